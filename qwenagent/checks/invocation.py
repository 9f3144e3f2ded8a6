"""Turns a test command into the words that are started: the project's tools, and a report.

What is run stays what the user asked for; only where it is found and what it reports changes.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from qwenagent.checks.anatomy import Anatomy, Kind, dissect
from qwenagent.checks.command import is_shell
from qwenagent.checks.interpreter import ProjectTools, has_module
from qwenagent.checks.npm_scripts import script_of
from qwenagent.errors import ChecksError
from qwenagent.sandbox import find_program

_HOW_TO_INSTALL = "install it in the project's environment, or name another command (--test-cmd)"
_PYTEST_USAGE = 4
# A user who asks for another report gets that one.
_OWN_REPORT: dict[Kind, tuple[str, ...]] = {
    "pytest": ("--junitxml", "--junit-xml"),
    "unittest": ("-v", "--verbose", "-q", "--quiet"),
    "django": ("-v", "--verbosity"),
    "node": ("--test-reporter",),
    "jest": ("--json", "--outputFile", "--listTests", "--showConfig"),
    "vitest": ("--outputFile",),
    "cargo": ("--no-fail-fast", "--no-run"),
    "go": ("-json", "--json", "-c", "-list", "-n"),
}
_REJECTED: dict[Kind, str] = {
    "pytest": r"unrecognized arguments",
    "node": r"bad option: --test-reporter|--test-reporter\S* is not allowed in NODE_OPTIONS"
    r"|ERR_(?:ACCESS_DENIED|MODULE_NOT_FOUND)[^\n]{0,1000}reporter\.mjs"
    r"|ERR_ACCESS_DENIED',\s{1,9}permission: '\w{1,40}',\s{1,9}resource: '[^\n]{0,1000}exits\.cjs",
    "jest": r"Unrecognized (?:CLI Parameter|option)|Unknown option",
    "vitest": r"Unknown option|CACError",
    "cargo": r"unexpected argument '--no-fail-fast'",
    "go": r"flag provided but not defined: -(?:json|test\.v=test2json)",
}
# They need pytest's cache, which otherwise is switched off: it would be written into the tree.
_USE_CACHE: tuple[str, ...] = (
    *("--lf", "--last-failed", "--ff", "--failed-first", "--nf", "--new-first"),
    *("--sw", "--stepwise", "--cache", "cacheprovider"),
)


@dataclass(frozen=True, slots=True)
class Invocation:
    """A test command taken apart: which runner it starts, and how that one is told more."""

    argv: tuple[str, ...]
    place: Anatomy
    kind: Kind
    """The runner's; behind `npm test` it is the script's."""
    own: tuple[str, ...]
    """The runner's own arguments."""
    at: int
    """Index in `argv` where more options for the runner go."""
    separator: tuple[str, ...] = ()
    """What has to stand between `argv` and such options, if they go to the end."""
    scripted: bool = False


def understand(argv: Sequence[str], folder: Path | None) -> Invocation:
    """Take a command apart; `folder`, where it runs, is asked what `npm test` means."""
    place = dissect(argv)
    if folder and place.kind == "other" and not is_shell(argv[place.program :]):
        script = script_of(argv, place.program, folder)
        if script:
            return Invocation(
                tuple(argv), place, script.kind, script.own, len(argv), script.separator, True
            )
    own = tuple(argv[place.arguments :])
    return Invocation(tuple(argv), place, place.kind, own, place.arguments)


@dataclass(frozen=True, slots=True)
class Asked:
    """A command that also writes a report, and what its environment needs for that."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


def with_report(
    call: Invocation, report: Path, environ: Mapping[str, str], more: Sequence[str] = ()
) -> Asked:
    """Ask a runner whose report we can read for one; the command as it is if there is none.

    `more` are options that go with it.

    Node's own runner needs `REPORTER` in the file `reporter.mjs` beside `report`, and `GUARD` in
    `exits.cjs`.
    """
    words = [*more, *_options(call, report)]
    if call.kind == "node" and call.scripted:
        # The script may name files, and node takes no options behind them.
        options = [environ.get("NODE_OPTIONS", ""), *map(_quoted, words)]
        return Asked(call.argv, {"NODE_OPTIONS": " ".join(options).strip()})
    if not words:
        return Asked(call.argv)
    at = call.at
    if call.kind == "unittest" and call.own[:1] == ("discover",):
        at += 1
    return Asked((*call.argv[:at], *call.separator, *words, *call.argv[at:]))


def _options(call: Invocation, report: Path) -> list[str]:
    """Return the options that ask a runner for its report, none if it was told otherwise."""
    own = call.own[: call.own.index("--")] if "--" in call.own else call.own
    guard = [f"--require={report.parent / 'exits.cjs'}"] if call.kind == "node" else []
    if _has_option(own, _OWN_REPORT.get(call.kind, ())):
        return guard
    if call.kind == "pytest":
        return _pytest_options(call.own, report)
    if call.kind == "node":
        return [*_node_options(report), *guard]
    if call.kind == "vitest":
        shown = [] if _has_option(own, ("--reporter",)) else ["--reporter=default"]
        return [*shown, "--reporter=json", f"--outputFile.json={report}"]
    return {
        "unittest": ["-v"],
        "django": ["-v", "2"],
        "jest": ["--json", f"--outputFile={report}"],
        # As with pytest's collection errors: one red test program must not hide the others.
        "cargo": ["--no-fail-fast"],
        "go": ["-json"],
    }.get(call.kind, [])


def _quoted(word: str) -> str:
    """Return a word as NODE_OPTIONS takes it."""
    escaped = word.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"' if " " in word or escaped != word else word


def _node_options(report: Path) -> list[str]:
    # What people read stays as it was, but for TAP, which older versions print into a pipe.
    return [
        *("--test-reporter=spec", "--test-reporter-destination=stdout"),
        f"--test-reporter={(report.parent / 'reporter.mjs').as_uri()}",
        f"--test-reporter-destination={report}",
    ]


def _pytest_options(own: Sequence[str], report: Path) -> list[str]:
    cache = [] if _has_option(own, _USE_CACHE) else ["-p", "no:cacheprovider"]
    # xunit1 has the file of each test. A file that cannot be imported must not hide the others.
    reporting = [f"--junitxml={report}", "-o", "junit_family=xunit1"]
    return [*cache, *reporting, "--continue-on-collection-errors"]


def rejected_our_options(kind: Kind, exit_code: int, output: str) -> bool:
    """True for a runner so old or so configured that it does not know what we added."""
    if kind == "pytest" and exit_code != _PYTEST_USAGE:
        return False
    pattern = _REJECTED.get(kind)
    return exit_code != 0 and pattern is not None and re.search(pattern, output) is not None


def _has_option(words: Sequence[str], options: tuple[str, ...]) -> bool:
    return any(_is_option(word.removeprefix("no:"), option) for word in words for option in options)


def _is_option(word: str, option: str) -> bool:
    if option.startswith("--"):
        return word.startswith(option)
    return word.partition("=")[0] == option


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
