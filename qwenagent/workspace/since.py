"""What is different since before some points, as diffs, and where others have written in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from qwenagent.workspace.diff import unified_diff
from qwenagent.workspace.points import Change, Point, Points
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.root import Root
from qwenagent.workspace.textfile import encoding_of


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file now, compared with what it was before the first point that has it."""

    path: str
    diff: str
    by_others: bool = False
    """Whether somebody else than the agent has changed it between the points, or since."""

    @property
    def added(self) -> int:
        """Lines that are new."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines that are gone."""
        return self._count("-")

    def _count(self, sign: str) -> int:
        body = self.diff.partition("\n@@")[2].split("\n")
        return sum(line.startswith(sign) for line in body)


def changes_since(repository: Repository, points: Iterable[Point]) -> list[FileChange]:
    """Return the files of these points, the oldest point first, that are different now, sorted.

    Raises:
        WorkspaceError: a point cannot be read.
    """
    stored = Points(repository.private_folder())
    by_path: dict[str, list[Change]] = {}
    for point in points:
        for change in stored.changes(point):
            by_path.setdefault(change.path, []).append(change)
    root = Root(repository.root)
    found = []
    for path, changes in sorted(by_path.items()):
        now = _present(root, path)
        if diff := _diff(path, changes, now):
            found.append(FileChange(path, diff, _has_others(changes, now)))
    return found


def _present(root: Root, path: str) -> bytes | None:
    try:
        return root.data(path)
    except OSError:  # not for us to look into
        return None


def _has_others(changes: list[Change], now: bytes | None) -> bool:
    gaps = any(one.after.data != other.before.data for one, other in pairwise(changes))
    return gaps or changes[-1].after.data != now


def _diff(path: str, changes: list[Change], now: bytes | None) -> str:
    """Return the diff to what a file is now; line ends count where nothing else differs."""
    first, last = changes[0].before, changes[-1].after
    mode = first.mode if now is None else last.mode
    old, new = _decoded(first.data), _decoded(now)
    return unified_diff(path, _plain(old), _plain(new), mode) or unified_diff(path, old, new, mode)


def _decoded(data: bytes | None) -> str | None:
    return None if data is None else data.decode(encoding_of(data) or "utf-8", errors="replace")


def _plain(text: str | None) -> str | None:
    return None if text is None else text.replace("\r\n", "\n")
