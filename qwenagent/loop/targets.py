"""Which files a step is about: those to create, those to change, those only to look at."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.errors import PathEscapes
from qwenagent.plan import Step
from qwenagent.syntax import is_known
from qwenagent.workspace import Workspace, confine

_TEST_NAME = re.compile(
    r"(^|/)(tests?|spec|__tests__)/|(^|/)(test_[^/]*|[^/]*_test|[^/]*[.-](test|spec))\.[A-Za-z]+$"
)
# What a test runner loads by itself: an edit here could make any test green.
TEST_INFRASTRUCTURE = frozenset(
    {
        "conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml",
        "sitecustomize.py", "usercustomize.py", "noxfile.py", "package.json", "jest.config.js",
        "vitest.config.ts", "vitest.config.js", "Makefile",
    }
)  # fmt: skip
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]{2,}")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True, slots=True)
class Targets:
    """The files of a step, as repository paths, in the order in which the step names them."""

    create: tuple[str, ...] = ()
    """Not there yet; each has to be written."""
    change: tuple[str, ...] = ()
    """There; one or more of them change."""
    must_change: tuple[str, ...] = ()
    """Those of `change` that are listed as the step's files beside others, not just mentioned."""

    @property
    def named(self) -> bool:
        """Whether the step named any file to write."""
        return bool(self.create or self.change)

    @property
    def all(self) -> tuple[str, ...]:
        """Every file to write."""
        return (*self.create, *self.change)

    @property
    def single(self) -> bool:
        """Whether there is just one file to write."""
        return len(self.create) + len(self.change) == 1


def is_test_file(path: str) -> bool:
    """Return whether a path looks like a test."""
    return bool(_TEST_NAME.search(path))


def find_targets(step: Step, workspace: Workspace, extra: tuple[str, ...] = ()) -> Targets:
    """Return the files of a step. `extra` are files the user named on the command line."""
    listed = [*step.files, *extra]
    names = [p for p in dict.fromkeys([*listed, *step.mentions]) if _writable(workspace, p)]
    names = [_resolve(p, workspace) for p in names]
    create = [p for p in names if not workspace.exists(p) and (p in listed or is_known(p))]
    change = [p for p in names if (workspace.root / p).is_file()]
    code = [p for p in change if not is_test_file(p) and not _infrastructure(p, step)]
    # An existing test is changed only where there is nothing else to change.
    change = code if code or create else [p for p in change if p in listed]
    must = [p for p in change if p in listed] if create else []
    return Targets(*(tuple(dict.fromkeys(paths)) for paths in (create, change, must)))


def _infrastructure(path: str, step: Step) -> bool:
    name = PurePosixPath(path).name
    return name in TEST_INFRASTRUCTURE and path not in step.files


def _writable(workspace: Workspace, path: str) -> bool:
    try:
        confine(workspace.root, path)
    except PathEscapes:
        return False
    return True


def _resolve(path: str, workspace: Workspace) -> str:
    """Return the one file that a bare name means, if it is not at the top."""
    if "/" in path or workspace.exists(path):
        return path
    matches = [p for p in workspace.files() if p.endswith(f"/{path}")]
    return matches[0] if len(matches) == 1 else path


def identifiers(step: Step) -> frozenset[str]:
    """Return the names of code that a step mentions: words in backticks, and unusual ones."""
    in_code = {w for span in _CODE.findall(step.text) for w in _WORD.findall(span)}
    unusual = {w for w in _WORD.findall(step.text) if "_" in w or not (w.islower() or w.istitle())}
    return frozenset(in_code | unusual)
