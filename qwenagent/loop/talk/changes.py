"""What was changed under one run and is still there: as diffs, and as a commit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from qwenagent.errors import UsageError
from qwenagent.workspace import Repository, Workspace, tree_lock, unified_diff
from qwenagent.workspace.points import Point, Points


@dataclass(frozen=True, slots=True)
class FileChange:
    """A file now, compared with what it was before the run."""

    path: str
    diff: str

    @property
    def added(self) -> int:
        """Lines that are new."""
        return self._count("+")

    @property
    def removed(self) -> int:
        """Lines that are gone."""
        return self._count("-")

    def _count(self, sign: str) -> int:
        body = self.diff.split("\n@@", 1)[-1].split("\n")
        return sum(line.startswith(sign) for line in body)


class Changes:
    """The work of a run, by the points that it has made and nobody has undone."""

    def __init__(self, repository: Repository, run: str) -> None:
        self._repository = repository
        self._run = run

    def files(self) -> list[FileChange]:
        """Return what is different, sorted by path; the user's own edits of these files too."""
        tree = Workspace(self._repository)
        before: dict[str, bytes | None] = {}
        points = Points(self._repository.private_folder())
        for point in self._points():
            for change in points.changes(point):
                before.setdefault(change.path, change.before.data)
        found = []
        for path, data in sorted(before.items()):
            old = None if data is None else data.decode("utf-8", "replace").replace("\r\n", "\n")
            if diff := unified_diff(path, old, tree.text(path)):
                found.append(FileChange(path, diff))
        return found

    def commit(self, message: str) -> tuple[str, list[str]]:
        """Commit what no commit holds yet; return the commit's id and its paths.

        An empty message is what the last task was.

        Raises:
            UsageError: there is nothing to commit.
            TreeBusy: another agent works on this tree.
            GitFailed: it cannot be committed.
        """
        repository = self._repository
        with tree_lock(repository.private_folder(), "commit"):
            paths = list(dict.fromkeys(self._uncommitted()))
            if not paths:
                raise UsageError("nothing of this session is uncommitted")
            return repository.commit(paths, message or self._title()), paths

    def _points(self) -> list[Point]:
        found = Points(self._repository.private_folder()).all()
        return [point for point in found if point.about.run == self._run and not point.undone]

    def _uncommitted(self) -> Iterator[str]:
        repository = self._repository
        for point in self._points():
            for path in point.paths if not point.commit else ():
                is_known = (repository.root / path).exists() or repository.has("HEAD", path)
                if is_known and not repository.is_as_committed(path):
                    yield path

    def _title(self) -> str:
        titles = [point.about.title for point in self._points() if not point.commit]
        return titles[-1] if titles else "Changes by qwenagent"
