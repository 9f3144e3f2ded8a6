"""What is in a repository: git's index and untracked files, held against the disk.

Reads what git said and looks at folders; asks git nothing, `repository` does that.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from qwenagent.workspace.paths import is_speakable

IGNORE_FILE = ".qwenagentignore"
_DECIDING = frozenset({".gitignore", IGNORE_FILE, ".gitattributes"})
_SUBMODULE, _LINK = "160000", "120000"
# A folder that changes twice within a tick of the file system's clock looks the same. Linux ticks
# at least every 10 ms; FAT every two seconds, which times of whole milliseconds give away.
_TICK_NS, _COARSE_TICK_NS = 50_000_000, 2_000_000_000


@dataclass(slots=True)
class Index:
    """What `git ls-files -z -v -s --cached --others` says, by kind."""

    tracked: set[str] = field(default_factory=set)
    """Files whose content in the tree is what git looks at."""
    untracked: set[str] = field(default_factory=set)
    submodules: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    """Not checked out (sparse), or marked `--skip-worktree`."""
    unwatched: set[str] = field(default_factory=set)
    """Marked `--assume-unchanged`: no snapshot would hold them."""
    unmerged: set[str] = field(default_factory=set)

    @classmethod
    def parse(cls, out: str) -> Index:
        """Read git's answer. A name that cannot be said is in none of the sets."""
        index = cls()
        for entry in out.split("\0"):
            if entry.startswith("? "):
                index.untracked.add(entry[2:])
            elif entry:
                index._add(entry)
        index.untracked = {name for name in index.untracked if is_listable(name)}
        index.tracked = {name for name in index.tracked if is_listable(name)}
        return index

    def _add(self, entry: str) -> None:
        head, _, name = entry.partition("\t")
        tag, mode = head[0], head[2:8]
        if mode == _SUBMODULE:
            self.submodules.add(name)
        elif mode == _LINK:
            self.links.add(name)
        elif tag in "Ss":
            self.absent.add(name)
        else:
            self.tracked.add(name)
            if tag in "Mm":
                self.unmerged.add(name)
            elif tag.islower():
                self.unwatched.add(name)


@dataclass(frozen=True, slots=True)
class Listing:
    """A repository's files at one moment."""

    files: dict[str, None]
    """Plain files that are there and not ignored, sorted."""
    index: Index
    watched: dict[str, int]
    """Absolute path of everything that decides what is listed -> its time of change, in ns."""
    taken_ns: int

    def is_current(self) -> bool:
        """Return whether a new listing would be the same, by the times of folders and ignore files.

        What is not seen: a file that somebody else makes in a folder that was empty, a folder below
        an ignored one, and a change of the ignore file that the user's own configuration names.
        """
        newest = max(self.watched.values(), default=0)
        if newest > self.taken_ns - (_TICK_NS if newest % 1_000_000 else _COARSE_TICK_NS):
            return False
        return all(changed_ns(path) == then for path, then in self.watched.items())

    def submodule_of(self, path: str) -> str:
        """Return the submodule that a path is or is in, empty if none."""
        parents = [path, *map(str, PurePosixPath(path).parents)]
        return next((p for p in parents if p in self.index.submodules), "")


@dataclass(slots=True)
class Found:
    """What a walk over the folders of some names finds on the disk."""

    files: list[str] = field(default_factory=list)
    watched: dict[str, int] = field(default_factory=dict)
    has_ignore_file: bool = False


def walk(root: Path, names: set[str]) -> Found:
    """Return those of `names` that are plain files, not through links or other repositories.

    One look at each folder that holds one of them: far quicker than a look at each file.
    """
    found = Found()
    folders = _folders_of(names)
    ours: set[str] = set()
    pending = [""]
    while pending:
        prefix = pending.pop()
        folder = os.path.join(root, prefix)  # noqa: PTH118 - a tenth of the time, 50,000 times
        found.watched[folder] = changed_ns(folder)
        entries = _entries(folder)
        if prefix and any(entry.name == ".git" for entry in entries):
            continue
        ours.add(prefix)
        for entry in entries:
            name = prefix + entry.name
            if entry.is_dir(follow_symlinks=False):
                if name in folders:
                    pending.append(f"{name}/")
                elif name != ".git":
                    found.watched[entry.path] = changed_ns(entry.path)
            elif entry.is_file(follow_symlinks=False):
                _take(found, entry, name, names)
    found.files += _under_another_spelling(root, names.difference(found.files), ours)
    return found


def _take(found: Found, entry: os.DirEntry[str], name: str, names: set[str]) -> None:
    if name in names:
        found.files.append(name)
    if entry.name in _DECIDING:
        found.watched[entry.path] = changed_ns(entry.path)
        found.has_ignore_file |= entry.name == IGNORE_FILE


def _under_another_spelling(root: Path, names: Iterable[str], folders: set[str]) -> list[str]:
    """Names in `folders` that the disk has in another case or normal form, if it minds neither."""
    return [n for n in names if n[: n.rfind("/") + 1] in folders and is_plain_file(root / n)]


def _folders_of(names: Iterable[str]) -> set[str]:
    """Return every folder above some names."""
    folders: set[str] = set()
    for name in names:
        folder = name.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return folders


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:  # removed meanwhile, or not for us to look into
        return []


def changed_ns(path: str) -> int:
    """Return when a file or folder was last changed, 0 if it is not there."""
    try:
        return os.lstat(path).st_mtime_ns
    except OSError:
        return 0


def is_plain_file(path: Path) -> bool:
    """Return whether a path is a file itself, not a link to one."""
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def is_listable(name: str) -> bool:
    """Return whether a name can be offered to a model: on one line, and the same everywhere."""
    return "\\" not in name and is_speakable(name)
