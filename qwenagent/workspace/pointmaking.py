"""Makes points of what a journal has: the step or task that is kept now."""

from __future__ import annotations

import stat
from contextlib import suppress

from qwenagent.errors import WorkspaceError
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.paths import is_speakable
from qwenagent.workspace.points import About, Change, Place, Point, Points
from qwenagent.workspace.refs import KEEP_DAYS, Refs
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.unfinished import Unfinished


class PointMaker:
    """Turns the journal of one working tree into points, and prunes what is old."""

    def __init__(self, repository: Repository, journal: Journal, unfinished: Unfinished) -> None:
        self._repository = repository
        self._journal = journal
        self._unfinished = unfinished
        self._refs = Refs(repository.root)
        self._place: Place | None = None
        self._last: Point | None = None

    @property
    def _points(self) -> Points:
        return Points(self._repository.private_folder())

    def intend(self, about: About) -> None:
        """Keep on disk that a point is about to be made, and where HEAD is before its commit.

        Raises:
            OSError: it cannot be kept.
        """
        self._place = self._refs.place()
        self._unfinished.intend(about, self._place)

    def make(self, about: About, commit: str, first: str = "") -> Point | None:
        """Keep what the journal has as a point; None if that is nothing.

        `commit` is the last of its commits, `first` the first where there are several.

        Raises:
            OSError: it cannot be written.
        """
        place, self._place, self._last = self._place or self._refs.place(), None, None
        changes = self._changes()
        if not changes:
            return None
        if commit:
            place = Place(place.branch, self._refs.parent(first or commit))
        made = sorted(self._journal.made_folders, key=lambda path: len(path.parts), reverse=True)
        folders = tuple(dict.fromkeys(self._journal.root.relative(path) for path in made))
        unit = self._unfinished.unit
        self._last = self._points.add(unit, about, place, commit, changes, folders)
        return self._last

    def extend(self, path: str, before: bytes | None) -> None:
        """Add a file that was changed after the last point to it; nothing if there is none.

        Raises:
            OSError: it cannot be written.
        """
        if self._last is None or not is_speakable(path):
            return
        status = self._journal.root.look(path)
        mode = 0o644 if status is None else stat.S_IMODE(status.st_mode)
        after = PreImage(self._journal.root.data(path), mode)
        self._last = self._points.extend(self._last, Change(path, PreImage(before, mode), after))

    def prune(self) -> None:
        """Remove what is too old, or too much, of points and private refs."""
        with suppress(OSError, WorkspaceError):  # the next run tries again
            self._points.prune(KEEP_DAYS)
            undone = [point.commit for point in self._points.all() if point.undone]
            self._refs.prune(f"undone-{commit[:12]}" for commit in undone if commit)

    def _changes(self) -> list[Change]:
        journal = self._journal
        changes = []
        for path, image in (journal.images | journal.grounded).items():
            now = journal.now(path)
            mode = image.mode if now.data is None else now.mode
            after = PreImage(journal.ours.get(path, now.data), mode)
            change = Change(journal.root.relative(path), PreImage(image.data, image.mode), after)
            # A plan that is ticked may have any name; one that cannot be said is not undone.
            if change.before != change.after and is_speakable(change.path):
                changes.append(change)
        return changes
