"""What test runs leave behind in the tree: told, never taken back."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.protocol.events import Warned
from qwenagent.workspace import Workspace

_MAX_NAMED = 5
_CACHE = re.compile(r"(^|/)(__pycache__|\.[\w-]+_cache|node_modules|\.coverage[^/]*)(/|$)")

Stamp = tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Look:
    """The tree at one moment."""

    changed: dict[str, Stamp]
    """Tracked files that are not as committed, with time and size; None if one is gone."""
    files: frozenset[str]


class Leftovers:
    """Compares the tree before and after test runs; every path is told once."""

    def __init__(self, tree: Workspace, tell: Callable[[Warned], None]) -> None:
        self._tree = tree
        self._tell = tell
        self._told: set[str] = set()

    def look(self) -> Look:
        """Return the tree as it is before a command that may change it."""
        self._tree.expect_changes()
        repository, root = self._tree.repository, self._tree.root
        changed = {path: _stamp(root / path) for path in repository.changes()}
        return Look(changed, frozenset(repository.files()))

    def tell_since(self, before: Look, command: str) -> None:
        """Tell what a command has changed since; not the files that the step itself wrote."""
        now = self.look()
        known = self._told | set(self._tree.changed())
        clean = before.files - before.changed.keys()
        differ = before.changed.keys() ^ now.changed.keys()
        differ |= {p for p in now.changed if p in before.changed and _differs(p, before, now)}
        if changed := sorted(differ - known):
            back = [p for p in changed if p in clean]
            self._tell(
                Warned(
                    f"`{command}` changed {len(changed)} tracked file(s): {listed(changed)}; "
                    "they are left as they are and are in no commit",
                    f"`git restore -- {shlex.join(back)}` takes that back" if back else "",
                )
            )
        new = sorted(p for p in now.files - before.files - known if not _CACHE.search(p))
        new = [p for p in new if p not in differ]
        if new:
            self._tell(
                Warned(
                    f"`{command}` left {len(new)} new file(s): {listed(new)}; "
                    "they stay and are in no commit",
                    "name them in .gitignore, or let the tests write to a temporary folder",
                )
            )
        self._told |= {*changed, *new}


def _differs(path: str, before: Look, now: Look) -> bool:
    return before.changed[path] != now.changed[path]


def _stamp(path: Path) -> Stamp:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def listed(paths: Sequence[str]) -> str:
    """Return the first of some paths, and how many more there are."""
    more = f" and {len(paths) - _MAX_NAMED} more" if len(paths) > _MAX_NAMED else ""
    return ", ".join(paths[:_MAX_NAMED]) + more
