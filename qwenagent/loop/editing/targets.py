"""Which files a step is about: those to create, those to change, those only to look at."""

from __future__ import annotations

import builtins
import keyword
import posixpath
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.words.creating import is_ordered, is_wanted
from qwenagent.loop.words.moves import deletions, renamings
from qwenagent.loop.words.redtests import speaks_of_red_tests
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
PROSE = (".md", ".markdown", ".mdx", ".qmd", ".rmd", ".rst", ".txt", ".adoc")
"""They may hold fences of their own."""
_WORD = re.compile(r"[^\W\d]\w+")
_CREATING = re.compile(r"\b(add|creat\w*|writ\w*|new|implement\w*|introduc\w*|mak\w*)\b", re.I)
_LINK_OR_PATH = re.compile(r"\S*[./]\S*")
MAX_NAMED = 4
"""Files that are told of where a name may mean several."""
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
    """Those of `change` that the plan lists as the step's files beside others."""
    refused: tuple[str, ...] = ()
    """Why files that are listed as the step's are not written: a sentence each."""
    delete: tuple[str, ...] = ()
    """Files that the step says are to go; they are not in `change`."""
    rename: tuple[tuple[str, str], ...] = ()
    """(from, to) that the step names; they are not in `create`, and `to` may be changed, too."""
    unclear: tuple[str, ...] = ()
    """Names that may mean several files, and so mean none: a sentence each."""

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
    *,
    folder: str = ".",
    gone: Collection[str] = (),
) -> Targets:
    """Return the files of a step. `extra` are files the user named on the command line.

    With `window_bytes`, a listed file that is longer and has no symbols to name is refused. Of
    several files that a name may mean it is the one below `folder`. What is `gone`, deleted or
    renamed by an earlier step, is made anew only if just that is the order.
    """
    names = _Names(step, workspace, folder)
    asked = names.resolved([*step.files, *extra])
    reasons = {path: _why_not(path, workspace, window_bytes) for path in asked}
    listed = [path for path in asked if not reasons[path] and not workspace.is_folder(path)]
    mentioned = [
        path
        for path in names.resolved(step.mentions)
        if path in listed or (path not in reasons and _is_writable(path, workspace))
    ]
    own = [path for path in names.resolved(step.files) if path in listed]
    found = _sorted_out(step, workspace, listed, [*listed, *mentioned], gone)
    found = replace(found, must_change=_must_change(step, found, own, listed))
    refused = tuple(dict.fromkeys(filter(None, reasons.values())))
    return replace(found, refused=refused, unclear=tuple(names.unclear))


def in_folder(step: Step, workspace: Workspace, folder: str) -> Step:
    """Return a step with its paths as seen from the folder where the user stands.

    What is in that folder comes first, then what is in the repository; a file that is still to be
    written is placed below the folder unless only the repository has the folder that it names.
    """
    if folder in (".", ""):
        return step

    def placed(name: str) -> str:
        near = posixpath.normpath(posixpath.join(folder, name))
        if workspace.exists(near):
            return near
        is_there = any(path == name or path.endswith(f"/{name}") for path in workspace.files())
        if is_there and not is_ordered(name, step.text, step.mentions):
            return name
        parent = posixpath.dirname(name)
        if parent and not workspace.is_folder(posixpath.dirname(near)):
            return name if workspace.is_folder(parent) else near
        return near if name in step.files or is_wanted(name, step.text, step.mentions) else name

    files = tuple(dict.fromkeys(map(placed, step.files)))
    return replace(step, files=files, mentions=tuple(dict.fromkeys(map(placed, step.mentions))))


def _sorted_out(
    step: Step,
    workspace: Workspace,
    listed: Collection[str],
    named: Collection[str],
    gone: Collection[str],
) -> Targets:
    """Return what is to happen to each of the files that a step names."""
    there = [p for p in named if workspace.is_file(p)]
    new = [p for p in step.mentions if not workspace.exists(p)]
    rename = renamings(step.text, there, new, workspace.is_folder)
    moved = dict(rename)
    delete = deletions(step.text, [p for p in there if p not in moved])
    create = [p for p in named if _is_to_create(p, step, workspace, listed, gone)]
    create = [p for p in create if p not in moved.values()]
    left = [p for p in there if p not in moved and p not in delete]
    code = [p for p in left if not is_test_file(p) and (p in listed or not is_infrastructure(p))]
    if speaks_of_red_tests(step.text):  # no fault is in what only says how it should be
        code = [p for p in code if p in listed or not is_prose(p)] or code
    # An existing test is changed only where there is nothing else to change.
    change = code if code or create or moved or delete else [p for p in left if p in listed]
    return Targets(
        create=tuple(dict.fromkeys(create)),
        change=tuple(dict.fromkeys(change)),
        delete=delete,
        rename=rename,
    )


def _must_change(
    step: Step, found: Targets, own: Collection[str], listed: Collection[str]
) -> tuple[str, ...]:
    """Return what has to change beside the rest: a fault that tests show is in one file mostly.

    `own` are the files that the plan lists, `listed` also those that the user named.
    """
    if found.create:
        return tuple(path for path in found.change if path in listed)
    several = [path for path in found.change if path in own]
    return tuple(several) if len(several) > 1 and not speaks_of_red_tests(step.text) else ()


def is_prose(path: str) -> bool:
    """Return whether a file is for people to read."""
    return path.lower().endswith(PROSE)


def is_infrastructure(path: str) -> bool:
    """Return whether a test runner loads this file by itself, or an agent obeys it."""
    return PurePosixPath(path).name in TEST_INFRASTRUCTURE or is_instruction(path)


def _is_to_create(
    path: str,
    step: Step,
    workspace: Workspace,
    listed: Collection[str],
    gone: Collection[str],
) -> bool:
    """A listed file that is missing, or one of code that the step orders to be made."""
    if workspace.exists(path):
        return False
    if path in gone:
        return is_ordered(path, step.text, step.mentions)
    if path in listed:
        return True
    about = "/" in path or path in step.title or _CREATING.search(step.text) is not None
    about = about and is_wanted(path, step.text, step.mentions)
    return about and is_known(path) and not is_infrastructure(path)


class _Names:
    """Finds out which files the names in a step mean."""

    def __init__(self, step: Step, workspace: Workspace, folder: str) -> None:
        self._step = step
        self._workspace = workspace
        self._folder = folder
        self.unclear: dict[str, None] = {}

    def resolved(self, names: Iterable[str]) -> list[str]:
        """Return repository paths; the end of a path may mean the one file that has it."""
        return [path for name in names if (path := self._resolved(name))]

    def _resolved(self, name: str) -> str:
        """Return the path that a name means, empty if it cannot be known."""
        if self._workspace.exists(name) or self._is_new(name):
            return name
        found = [path for path in self._workspace.files() if path.endswith(f"/{name}")]
        below = [path for path in found if path.startswith(f"{self._folder}/")]
        if len(found) > 1 and len(below) != 1:
            self._tell(name, below or found)
            return ""
        return (below or found or [name])[0]

    def _is_new(self, name: str) -> bool:
        """Whether a file is to be made at just this path, whatever else ends like it."""
        if "/" not in name:
            return False
        return name in self._step.files or is_ordered(name, self._step.text)

    def _tell(self, name: str, paths: list[str]) -> None:
        if is_known(name):
            *most, last = paths[:MAX_NAMED]
            last = (
                f"{last}, to name {MAX_NAMED} of {len(paths)}" if len(paths) > MAX_NAMED else last
            )
            sentence = f"`{name}` may be {', '.join(most)} or {last}: name it by its path"
            self.unclear[sentence] = None


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
    ends = {
        "/".join(parts[n:]) for p in paths if (parts := p.split("/")) for n in range(len(parts))
    }
    text = _LINK_OR_PATH.sub(lambda m: " " if m[0].strip("`.,:;") in ends else m[0], step.text)
    in_code = {w for span in _CODE.findall(text) for w in _WORD.findall(span)}
    words = _WORD.findall(text)
    unusual = {w for w in words if "_" in w.strip("_") or not (w.islower() or w.istitle())}
    return frozenset(in_code | unusual) - _BUILTINS
