"""Which files a step is about: those to create, those to change, those only to look at."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.moves import deletions, renamings
from qwenagent.plan import Step
from qwenagent.protocol.protected import is_instruction
from qwenagent.syntax import is_known, symbols
from qwenagent.workspace import Workspace

# What a test runner loads by itself: an edit here could make any test green.
TEST_INFRASTRUCTURE = frozenset(
    {
        "conftest.py", "pytest.ini", ".pytest.ini", "tox.ini", "setup.cfg", "pyproject.toml",
        "sitecustomize.py", "usercustomize.py", "noxfile.py", "package.json", "jest.config.js",
        "vitest.config.ts", "vitest.config.js", "Makefile",
    }
)  # fmt: skip
_WORD = re.compile(r"[^\W\d]\w+")
_CREATING = re.compile(r"\b(add|creat\w*|writ\w*|new|implement\w*|introduc\w*|mak\w*)\b", re.I)
_LINK_OR_PATH = re.compile(r"\S*[./]\S*")
_BUILTINS = frozenset({*dir(builtins), *keyword.kwlist, "self", "cls", "args", "kwargs"})
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
    refused: tuple[str, ...] = ()
    """Why files that are listed as the step's are not written: a sentence each."""
    delete: tuple[str, ...] = ()
    """Files that the step says are to go; they are not in `change`."""
    rename: tuple[tuple[str, str], ...] = ()
    """(from, to) that the step names; they are not in `create`, and `to` may be changed, too."""

    @property
    def named(self) -> bool:
        """Whether the step named any file to write."""
        return bool(self.create or self.change or self.delete or self.rename)

    @property
    def all(self) -> tuple[str, ...]:
        """Every file to write, by the paths that there are when the step begins."""
        return (*self.create, *self.change, *self.delete, *(old for old, _ in self.rename))

    @property
    def single(self) -> bool:
        """Whether there is just one file to write."""
        return len(self.all) == 1


def find_targets(
    step: Step,
    workspace: Workspace,
    extra: tuple[str, ...] = (),
    window_bytes: int = 0,
) -> Targets:
    """Return the files of a step. `extra` are files the user named on the command line.

    With `window_bytes`, a listed file that is longer and has no symbols to name is refused.
    """
    asked = _resolved([*step.files, *extra], workspace)
    reasons = {path: _why_not(path, workspace, window_bytes) for path in asked}
    listed = [path for path in asked if not reasons[path] and not workspace.is_folder(path)]
    mentioned = [
        path
        for path in _resolved(step.mentions, workspace)
        if path in listed or (path not in reasons and _is_writable(path, workspace))
    ]
    found = _sorted_out(step, workspace, listed, [*listed, *mentioned])
    return replace(found, refused=tuple(dict.fromkeys(filter(None, reasons.values()))))


def _sorted_out(
    step: Step, workspace: Workspace, listed: Collection[str], named: Collection[str]
) -> Targets:
    """Return what is to happen to each of the files that a step names."""
    there = [p for p in named if workspace.is_file(p)]
    new = [p for p in step.mentions if not workspace.exists(p)]
    rename = renamings(step.text, there, new, workspace.is_folder)
    moved = dict(rename)
    delete = deletions(step.text, [p for p in there if p not in moved])
    create = [p for p in named if _is_to_create(p, step, workspace, listed)]
    create = [p for p in create if p not in moved.values()]
    left = [p for p in there if p not in moved and p not in delete]
    code = [p for p in left if not is_test_file(p) and (p in listed or not is_infrastructure(p))]
    # An existing test is changed only where there is nothing else to change.
    change = code if code or create or moved or delete else [p for p in left if p in listed]
    must = [p for p in change if p in listed] if create else []
    return Targets(
        create=tuple(dict.fromkeys(create)),
        change=tuple(dict.fromkeys(change)),
        must_change=tuple(dict.fromkeys(must)),
        delete=delete,
        rename=rename,
    )


def is_infrastructure(path: str) -> bool:
    """Return whether a test runner loads this file by itself, or an agent obeys it."""
    return PurePosixPath(path).name in TEST_INFRASTRUCTURE or is_instruction(path)


def _is_to_create(path: str, step: Step, workspace: Workspace, listed: Collection[str]) -> bool:
    """A listed file that is missing, or one of code that the step speaks of as its work."""
    if workspace.exists(path):
        return False
    if path in listed:
        return True
    about = "/" in path or path in step.title or _CREATING.search(step.text) is not None
    return about and is_known(path) and not is_infrastructure(path)


def _resolved(names: Iterable[str], workspace: Workspace) -> list[str]:
    """Return repository paths; a bare name may mean the one file of that name further down."""
    found = []
    for name in names:
        if "/" in name or workspace.exists(name):
            found.append(name)
            continue
        matches = [p for p in workspace.files() if p.endswith(f"/{name}")]
        if len(matches) <= 1:  # of several it cannot be known which one is meant
            found += matches or [name]
    return found


def _is_writable(path: str, workspace: Workspace) -> bool:
    return not workspace.is_folder(path) and not workspace.why_not_written(path)


def _why_not(path: str, workspace: Workspace, window_bytes: int) -> str:
    """Return why a listed file is not written; a folder may be listed, and says nothing."""
    if workspace.is_folder(path):
        return ""
    if why := workspace.why_not_written(path):
        return why
    text = workspace.text(path) or ""
    size = len(text.encode())
    if not window_bytes or size <= window_bytes or symbols(path, text):
        return ""
    return (
        f"{path} has {size:,} bytes and no symbol to name, and the model sees {window_bytes:,} at "
        "a time; split it, or have a script change it"
    )


def identifiers(step: Step) -> frozenset[str]:
    """Return the names of code that a step mentions: words in backticks, and unusual ones.

    Parts of paths and the language's own names are none: every test uses them.
    """
    paths = {*step.mentions, *step.files}
    text = _LINK_OR_PATH.sub(lambda m: " " if m[0].strip("`.,:;") in paths else m[0], step.text)
    in_code = {w for span in _CODE.findall(text) for w in _WORD.findall(span)}
    words = _WORD.findall(text)
    unusual = {w for w in words if "_" in w.strip("_") or not (w.islower() or w.istitle())}
    return frozenset(in_code | unusual) - _BUILTINS
