"""Turns a test command into the words that are started: the project's tools, and a report.

What is run stays what the user asked for; only where it is found and what it reports changes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path, PurePath

from qwenagent.checks.command import Anatomy, is_shell
from qwenagent.checks.interpreter import ProjectTools, has_module
from qwenagent.errors import ChecksError
from qwenagent.sandbox import find_program

_HOW_TO_INSTALL = "install it in the project's environment, or name another command (--test-cmd)"
# They need pytest's cache, which otherwise is switched off: it would be written into the tree.
_USE_CACHE: tuple[str, ...] = (
    *("--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first"),
    *("--sw", "--stepwise", "--cache", "cacheprovider"),
)


def with_report(argv: Sequence[str], place: Anatomy, report: Path) -> tuple[str, ...]:
    """Ask a runner whose report we can read for one; `argv` as it is if there is none to ask."""
    head, own = argv[: place.arguments], argv[place.arguments :]
    if place.kind == "pytest" and not _has_option(own, ("--junitxml", "--junit-xml")):
        return (*head, *_pytest_options(own, report), *own)
    if place.kind == "unittest" and not _has_option(own, ("-v", "--verbose", "-q", "--quiet")):
        n_words = 1 if "discover" in own[:1] else 0
        return (*head, *own[:n_words], "-v", *own[n_words:])
    return tuple(argv)


def _pytest_options(own: Sequence[str], report: Path) -> list[str]:
    cache = [] if _has_option(own, _USE_CACHE) else ["-p", "no:cacheprovider"]
    # xunit1 has the file of each test. A file that cannot be imported must not hide the others.
    reporting = [f"--junitxml={report}", "-o", "junit_family=xunit1"]
    return [*cache, *reporting, "--continue-on-collection-errors"]


def _has_option(words: Sequence[str], options: tuple[str, ...]) -> bool:
    return any(word.removeprefix("no:").startswith(options) for word in words)


def resolve(argv: Sequence[str], place: Anatomy, tools: ProjectTools, cwd: Path) -> tuple[str, ...]:
    """Replace `python`, `pytest` and the like by the project's own; paths are left alone.

    Raises:
        ChecksError: the project has no such program.
    """
    if is_shell(argv):
        # A pipe must not hide that the tests failed: `pytest | tail -5`.
        return (argv[0], "-o", "pipefail", *argv[1:])
    name = argv[place.program]
    if place.managed or os.sep in name or PurePath(name).is_absolute():
        return tuple(argv)
    return (*argv[: place.program], *_program(name, tools, cwd), *argv[place.program + 1 :])


def _program(name: str, tools: ProjectTools, cwd: Path) -> tuple[str, ...]:
    if tools.runner and name in ("python", "python3", "pytest", "py.test", "coverage"):
        return (*tools.runner, name)
    if name in ("python", "python3"):
        if tools.python:
            return (tools.python,)
    elif name in ("pytest", "py.test", "coverage") and tools.python:
        beside = Path(tools.python).with_name(name)
        if beside.is_file() and os.access(beside, os.X_OK):
            return (str(beside),)
        module = name.replace("py.test", "pytest")
        if has_module(tools.python, module, cwd, tools.env):
            return (tools.python, "-m", module)
    if program := find_program(name, cwd=cwd, env=tools.env):
        return (program,)
    raise not_found(name, tools)


def not_found(name: str, tools: ProjectTools) -> ChecksError:
    """Return the error for a program or module that the project does not have."""
    looked = [f"project's Python: {tools.why}"]
    looked.append(f"PATH: {tools.env['PATH'] or 'empty'}")
    return ChecksError(
        f"{name} not found; looked at the {'; '.join(looked)}",
        hint=f"{name}: {_HOW_TO_INSTALL}",
    )
