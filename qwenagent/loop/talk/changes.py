"""What was changed under one run and is still there: as diffs, and as a commit."""

from __future__ import annotations

from collections.abc import Iterator

from qwenagent.errors import UsageError
from qwenagent.workspace import FileChange, Repository, Turning, changes_since, tree_lock
from qwenagent.workspace.points import Point, Points


class Changes:
    """The work of a run, by the points that it has made and nobody has undone."""

    def __init__(self, repository: Repository, run: str) -> None:
        self._repository = repository
        self._run = run

    def files(self) -> list[FileChange]:
        """Return what is different, sorted by path; the user's own edits of these files too."""
        return changes_since(self._repository, self._points())

    def require_own(self, back: bool) -> None:
        """Refuse to undo, or redo, what this run has not done.

        Raises:
            UsageError: it was done by somebody else; nothing is said where there is nothing.
        """
        point = Turning(self._repository).next_point(back=back)
        if point is not None and point.about.run != self._run:
            what = "undo" if back else "redo"
            raise UsageError(
                f"nothing of this session is left to {what}",
                hint=f"`qwenagent {what}` would {what} {point.about.kind} {point.about.title!r}",
            )

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
