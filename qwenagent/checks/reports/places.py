"""The files that a test runner's output speaks of: which are the project's own, what stands there.

Reads files inside the repository, nothing else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from qwenagent.checks.smallfile import text_of

_FOREIGN = frozenset({"site-packages", "dist-packages", "node_modules", "venv", "env"})
_MAX_SOURCE_CHARS = 2 << 20
_SCRIPT = re.compile(r"\.[cm]?[jt]sx?\Z")


@dataclass(frozen=True, slots=True)
class Places:
    """Where a command ran. Paths in its output count from `cwd`, or from a folder above it."""

    root: Path
    """The repository; like `cwd` without links in it, as `Path.resolve` returns it."""
    cwd: Path
    also: tuple[Path, ...] = ()
    """More folders that relative paths may count from, tried before those above `cwd`."""

    def inside(self, path: str) -> str:
        """Return a path relative to the repository, "" if it is not of the project itself."""
        if not path or "\0" in path or "<anonymous>" in path or path.startswith(("<", "node:")):
            return ""
        try:
            is_url = path.startswith("file://")
            full = self._full(unquote(path.removeprefix("file://")) if is_url else path).resolve()
        # Too long for the system, a loop of links, half a character out of an escape in JSON.
        except (OSError, RuntimeError, ValueError):
            return ""
        if not full.is_relative_to(self.root):
            return ""
        local = full.relative_to(self.root)
        foreign = any(part in _FOREIGN or part.startswith(".") for part in local.parts[:-1])
        return "" if foreign else local.as_posix()

    def file(self, path: str) -> str:
        """Return how ids name a file: relative to the repository, or as it is if it is outside."""
        return self.inside(path) or path

    def is_script(self, name: str) -> bool:
        """Return whether a test's name is that of a JavaScript or TypeScript file that is there."""
        local = self.inside(name) if _SCRIPT.search(name) else ""
        return bool(local) and (self.root / local).is_file()

    def source(self, local: str, line: int) -> str:
        """Return a line of a file of the repository without its indent, "" if there is none."""
        text = text_of(self.root / local, max_chars=_MAX_SOURCE_CHARS, errors="replace")
        lines = text.splitlines()
        return lines[line - 1].strip() if 0 < line <= len(lines) else ""

    def _full(self, path: str) -> Path:
        if Path(path).is_absolute():
            return Path(path)
        for folder in (self.cwd, *self.also, *self._above()):
            if (folder / path).is_file():
                return folder / path
        return self.cwd / path

    def _above(self) -> tuple[Path, ...]:
        if not self.cwd.is_relative_to(self.root):
            return ()
        n_levels = len(self.cwd.relative_to(self.root).parts)
        return tuple(self.cwd.parents[:n_levels])
