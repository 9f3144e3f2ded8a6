"""Which folder a Go package is in, by the manifests of modules and workspaces. Starts nothing."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from qwenagent.checks.smallfile import text_of

_MODULE = re.compile(r"^module\s+[\"`]?([^\s\"`]+)", re.MULTILINE)
_USE = re.compile(r"^use\s+(?:\(([^)]*)\)|([^\s(].*))$", re.MULTILINE)
_COMMENT = re.compile(r"//.*")
_DEPTH = 5
_MAX_FOLDERS = 3000
_FOREIGN = frozenset({"vendor", "testdata", "node_modules", "target", "venv"})


class GoModules:
    """The modules that a command sees from its folder; more are looked for where a name asks."""

    def __init__(self, cwd: Path, root: Path) -> None:
        """`cwd` and `root`, the repository, are without links in them."""
        self._root = root
        self._all: dict[str, str] | None = None
        self._near: dict[str, str] = {}
        for folder in (cwd, *cwd.parents):
            if not folder.is_relative_to(root):
                break
            for home in (folder, *_used(folder), *_with_manifest(folder)):
                self._take(home, self._near)

    def folder(self, package: str) -> str:
        """Return a package's folder relative to the repository, its own name if none is found."""
        found = _within(package, self._near)
        return found or _within(package, self._further()) or package

    def _further(self) -> dict[str, str]:
        if self._all is None:
            self._all = {}
            for home in _below(self._root):
                self._take(home, self._all)
        return self._all

    def _take(self, home: Path, modules: dict[str, str]) -> None:
        if not home.is_relative_to(self._root):
            return
        if name := _MODULE.search(text_of(home / "go.mod", errors="replace")):
            modules.setdefault(name[1], home.relative_to(self._root).as_posix())


def _within(package: str, modules: dict[str, str]) -> str:
    for name in sorted(modules, key=len, reverse=True):
        if package == name or package.startswith(f"{name}/"):
            return (Path(modules[name]) / package[len(name) + 1 :]).as_posix()
    return ""


def _used(folder: Path) -> Iterator[Path]:
    """Yield the folders that a folder's go.work names."""
    text = _COMMENT.sub("", text_of(folder / "go.work", errors="replace"))
    for block, single in _USE.findall(text):
        for line in (block or single).splitlines():
            if (name := line.strip().strip('"`')) and "\0" not in name:
                yield Path(os.path.normpath(folder / name))


def _with_manifest(folder: Path) -> list[Path]:
    return sorted(manifest.parent for manifest in folder.glob("*/go.mod"))


def _below(root: Path) -> Iterator[Path]:
    """Yield the folders that may hold a module, down to a depth, the upper ones first."""
    todo = [root]
    n_seen = 0
    for _ in range(_DEPTH):
        level, todo = todo, []
        for folder in level:
            yield folder
            n_seen += 1
            if n_seen >= _MAX_FOLDERS:
                return
            todo += _folders_in(folder)


def _folders_in(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = [e.name for e in entries if e.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [folder / n for n in sorted(names) if n not in _FOREIGN and n[0] not in "._"]
