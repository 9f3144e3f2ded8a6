"""Names and texts of a tree, each looked up once and no more of them than asked for.

Knows nothing of tests. Hidden folders, nested repositories and virtual environments, and what
other tools built or fetched, are not in it.
"""

from __future__ import annotations

import os
import posixpath
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from qwenagent.workspace import VENDORED

_MAX_ENTRIES = 100_000
_MAX_READ_CHARS = 200_000

_NEVER = VENDORED | {"__pycache__"}
_OTHER_OWNERS = frozenset([".git", "pyvenv.cfg"])
# Without git's word on it; a folder of this name that is tracked is the project's own.
_BUILT = frozenset(["venv", "env", "build", "dist", "target", "out", "htmlcov", "_build"])


@dataclass(frozen=True, slots=True)
class Entries:
    """What is directly in a folder."""

    files: frozenset[str] = frozenset()
    folders: tuple[str, ...] = ()
    """Sorted, without those that are never looked at."""
    foreign: bool = False
    """True for a repository or a virtual environment of its own."""


class Tree:
    """The files below a root; paths are POSIX and relative to it, the root itself is "."."""

    def __init__(self, root: Path, files: Iterable[str] | None = None) -> None:
        """`files` are those that git knows; without them folders are scanned when needed."""
        self.root = root
        self.n_read = 0
        self._listed = None if files is None else _by_folder(files)
        self._scanned: dict[str, Entries] = {}
        self._texts: dict[str, str] = {}

    def entries(self, folder: str) -> Entries:
        """Return what is directly in a folder; nothing if there is no such folder."""
        if self._listed is not None:
            return self._listed.get(folder, Entries())
        if folder not in self._scanned:
            self._scanned[folder] = _scan(self.root / folder)
        return self._scanned[folder]

    def names(self, folder: str) -> frozenset[str]:
        """Return the names of the files directly in a folder."""
        return self.entries(folder).files

    def folders(self, top: str, cut: Callable[[str], bool] = lambda _: False) -> Iterator[str]:
        """Yield a folder and those below it, but none that `cut` takes, nor what is in it.

        In order of depth, so that the bound on their number takes away what lies deepest.
        """
        queue, n_entries = deque([top]), 0
        while queue and n_entries < _MAX_ENTRIES:
            folder = queue.popleft()
            entries = self.entries(folder)
            n_entries += 1 + len(entries.files)
            if folder == top or not (entries.foreign or cut(folder)):
                yield folder
                queue.extend(join(folder, name) for name in entries.folders)

    def read(self, path: str) -> str:
        """Return the beginning of a file, "" if it is not there or cannot be read."""
        if path not in self._texts:
            folder, _, name = path.rpartition("/")
            is_there = name in self.names(folder or ".")
            self._texts[path] = self._read(self.root / path) if is_there else ""
        return self._texts[path]

    def is_file(self, path: str) -> bool:
        """Look at the disk: ignored and built files count too."""
        return (self.root / path).is_file()

    def _read(self, path: Path) -> str:
        self.n_read += 1
        try:
            if not path.is_file():  # a pipe would not end
                return ""
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                return file.read(_MAX_READ_CHARS)
        except OSError:  # gone, not readable: no hint
            return ""


def join(folder: str, name: str) -> str:
    """Return the path of a name in a folder."""
    return name if folder == "." else posixpath.normpath(f"{folder}/{name}")


def upward(folder: str) -> Iterator[str]:
    """Yield a folder, then those it is in, up to the root."""
    while folder != ".":
        yield folder
        folder = posixpath.dirname(folder) or "."
    yield "."


def _scan(folder: Path) -> Entries:
    """Look into a folder; links lead to files, never to folders."""
    names, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif entry.is_file():
                    names.append(entry.name)
    except OSError:  # gone, not readable: nothing in it
        return Entries()
    foreign = ".git" in folders or not _OTHER_OWNERS.isdisjoint(names)
    ours = (name for name in folders if _is_ours(name) and name not in _BUILT)
    return Entries(frozenset(names), tuple(sorted(ours)), foreign)


def _is_ours(name: str) -> bool:
    return not name.startswith(".") and name not in _NEVER


def _by_folder(files: Iterable[str]) -> dict[str, Entries]:
    names: dict[str, list[str]] = {".": []}
    for path in files:
        folder, _, name = path.rpartition("/")
        names.setdefault(folder or ".", []).append(name)
    ours = (f for f in names if f == "." or all(map(_is_ours, f.split("/"))))
    below: dict[str, set[str]] = {".": set()}
    for folder in {between for f in ours for between in upward(f) if between != "."}:
        parent, _, name = folder.rpartition("/")
        below.setdefault(parent or ".", set()).add(name)
        below.setdefault(folder, set())
    return {
        folder: Entries(frozenset(names.get(folder, ())), tuple(sorted(inside)))
        for folder, inside in below.items()
    }
