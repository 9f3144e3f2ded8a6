"""The paths of a tree that a command must leave alone, and putting them right afterwards.

A mount holds what is there. It holds a missing name too, but as an empty folder that others see in
the meantime, so only for names that a running editor or agent acts upon at once; the rest of the
missing ones, and links, which no mount can hold, are looked at when the command has ended.
"""

from __future__ import annotations

import contextlib
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from qwenagent.errors import reason

_HOOKS_PATH = re.compile(r"^\s*hooksPath\s*=\s*\"?([^\"\n#;]+)", re.MULTILINE | re.IGNORECASE)
_SUBMODULE = re.compile(r"^\s*path\s*=\s*\"?([^\"\n]+)", re.MULTILINE | re.IGNORECASE)
_GITDIR = re.compile(r"gitdir:\s*(.+)")
_MAX_FOLDERS = 400
_MAX_DEPTH = 3
_MAX_CONFIG_BYTES = 1 << 20
_BUILD_FOLDERS = frozenset({"node_modules", ".venv", "venv", "target", ".tox", ".nox", ".git"})
_KEPT_MISSING = frozenset({".git", ".github", ".vscode", ".claude", ".cursor", ".qwenagent"})


def protected_paths(
    tree: Path, names: Iterable[str], upper: Path | None = None
) -> list[tuple[str, bool]]:
    """Return the paths, relative to the tree, to mount over; False: missing, and to stay so.

    Besides `names` these are nested repositories, as far as a short look finds them, and the
    folder of hooks that git's configuration names. A link is held by what it leads to, in the
    tree. `tree` and `upper` are paths without links.
    """
    wanted = dict.fromkeys([*names, *_hooks(tree), *_nested(tree)])
    found: dict[str, bool] = {}
    for name in wanted:
        path = upper / name if upper and os.path.lexists(upper / name) else tree / name
        if path.is_symlink() or path.parent.resolve() != path.parent:
            if (inside := _inside(path, tree)) and inside not in found:
                found[inside] = True
        elif path.exists():
            found[name] = True
        elif name in _KEPT_MISSING:
            found[name] = False
    return list(found.items())


def git_folders(tree: Path) -> list[Path]:
    """Return the folders outside of the tree that its `.git` file leads to, if they are git's."""
    match = _GITDIR.match(_text(tree / ".git")) if (tree / ".git").is_file() else None
    if match is None:
        return []
    folder = (tree / match[1].strip()).resolve()
    common = (folder / (_text(folder / "commondir").strip() or ".")).resolve()
    real = (folder / "HEAD").is_file() and (common / "objects").is_dir()
    return [folder, common] if real else []


def _inside(link: Path, tree: Path) -> str:
    real = link.resolve()
    root = tree.resolve()
    within = real.exists() and real.is_relative_to(root) and real != root
    return str(real.relative_to(root)) if within else ""


def _hooks(tree: Path) -> Iterator[str]:
    git = tree / ".git"
    folders = [git] if git.is_dir() else git_folders(tree)
    for config in (folder / name for folder in folders for name in ("config", "config.worktree")):
        for value in _HOOKS_PATH.findall(_text(config)):
            path = Path(os.path.normpath(tree / value.strip()))
            if path.is_relative_to(tree) and path != tree:
                yield str(path.relative_to(tree))


def _nested(tree: Path) -> Iterator[str]:
    """Yield the `.git` of submodules, and of what lies at most three folders deep."""
    for value in _SUBMODULE.findall(_text(tree / ".gitmodules")):
        path = Path(os.path.normpath(tree / value.strip() / ".git"))
        if path.is_relative_to(tree) and os.path.lexists(path):
            yield str(path.relative_to(tree))
    level = [tree]
    left = _MAX_FOLDERS
    for _ in range(_MAX_DEPTH):
        folders = [path for folder in level[:left] for path in _folders(folder)]
        left -= len(level)
        for folder in folders:
            if os.path.lexists(folder / ".git"):
                yield str((folder / ".git").relative_to(tree))
        level = folders
        if left <= 0:
            return


def _folders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return [
                Path(entry.path)
                for entry in entries
                if entry.name not in _BUILD_FOLDERS and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return ""
        with path.open(encoding="utf-8", errors="replace") as file:
            return file.read(_MAX_CONFIG_BYTES)
    except OSError:
        return ""


class Guard:
    """Notes how protected names stand before a command, and puts them right when left.

    The empty folders that kept missing names missing are removed; what else is there by then came
    from outside. What appeared under another missing name, or instead of a link, is moved beside
    it and not deleted: it might be the user's.
    """

    def __init__(self, tree: Path, names: Iterable[str]) -> None:
        self._tree = tree
        self._names = tuple(names)
        self._missing: list[Path] = []
        self._links: dict[Path, Path] = {}
        self.broken: tuple[str, ...] = ()
        """Sentences on what had to be put right."""

    def __enter__(self) -> Guard:
        paths = [self._tree / name for name in self._names]
        self._links = {path: path.readlink() for path in paths if path.is_symlink()}
        self._missing = [path for path in paths if not os.path.lexists(path)]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        held = [path for path in self._missing if self._shown(path) in _KEPT_MISSING]
        for path in held:
            with contextlib.suppress(OSError):
                path.rmdir()
        made = [p for p in self._missing if p not in held and os.path.lexists(p)]
        changed = [
            path
            for path, target in self._links.items()
            if not path.is_symlink() or path.readlink() != target
        ]
        self.broken = (
            *(f"made {self._shown(path)}: {_move_aside(path)}" for path in made),
            *(f"replaced the link {self._shown(path)}: {self._put_back(path)}" for path in changed),
        )

    def _shown(self, path: Path) -> str:
        return str(path.relative_to(self._tree))

    def _put_back(self, path: Path) -> str:
        told = _move_aside(path) if os.path.lexists(path) else "put back"
        try:
            path.symlink_to(self._links[path])
        except OSError as error:
            return f"it could not be put back ({reason(error)})"
        return told


def _move_aside(path: Path) -> str:
    """Give what should not be there another name; say which."""
    for number in range(1, 1000):
        aside = path.with_name(f"{path.name}.from-sandbox-{number}")
        if os.path.lexists(aside):
            continue
        try:
            path.rename(aside)
        except OSError as error:
            return f"it could not be moved away ({reason(error)})"
        return f"moved to {aside.name}"
    return "it could not be moved away"
