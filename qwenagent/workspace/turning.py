"""Takes kept steps and tasks back, and brings them again: undo, redo, restore.

Nothing of the user's is written over: a file that is not as the step left it stays, and is named.
Killed in between, the next start carries it to its end: each part is done only where it is not.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath

import msgspec

from qwenagent.errors import EditRefused, PathEscapes, WorkspaceError, reason
from qwenagent.workspace.aside import put_aside
from qwenagent.workspace.history import History
from qwenagent.workspace.journal import PreImage
from qwenagent.workspace.listing import is_plain_file
from qwenagent.workspace.paths import require_inside
from qwenagent.workspace.points import Change, Place, Point, Points, keep_file
from qwenagent.workspace.refs import Refs
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.root import Root
from qwenagent.workspace.staging import parents

_TURNING = "turning"
_EXECUTABLE = 0o100
"""Of a mode all that git knows."""


class NothingToTurn(WorkspaceError):
    """There is no step or task to undo or to redo, or nothing of it can be."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that stays as it is."""

    why: str
    """"was changed since", "was deleted since"."""
    aside: str = ""
    """Where the content lies that it would have got; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Turned:
    """What became of a point that was undone, or redone."""

    point: Point
    back: bool
    """Whether it was undone."""
    paths: tuple[str, ...] = ()
    """Files that are as they should be."""
    kept: Mapping[str, Kept] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One that is under way."""

    number: int
    back: bool


After = Callable[[Point, bool, tuple[str, ...]], None]
"""Called with a point, whether it was undone, and the files that were turned; may come twice."""


def _nothing(*_: object) -> None:
    """Nothing else depends on it."""


class Turning:
    """Undoes and redoes the points of one working tree, which must be locked for this."""

    def __init__(self, repository: Repository, after: After = _nothing) -> None:
        self._repository = repository
        self._root = Root(repository.root)
        self._refs = Refs(repository.root)
        self._history = History(repository.root)
        self._points = Points(repository.private_folder())
        self._after = after

    def points(self) -> list[Point]:
        """Return the points, the oldest first."""
        return self._points.all()

    def since(self, number: int | None = None) -> list[Point]:
        """Return the kept points after a point, 0 for all; without one those of the last run.

        Raises:
            NothingToTurn: there is no such point.
        """
        points = self._points.all()
        if number is None:
            last = self._last_kept()
            run = last.about.run if last else ""
            points = [p for p in points if p == last or (run and p.about.run == run)]
        elif number and number not in {p.number for p in points}:
            raise _no_point(f"there is no point {number}")
        found = [p for p in points if p.number > (number or 0) and not p.undone]
        return [p for p in found if not self.is_gone(p)]

    def undo(self) -> Turned:
        """Take the last step or task back.

        Raises:
            NothingToTurn: there is none, or the user has changed every file of it since.
            WorkspaceError: its commit is not the last one any more, or something cannot be written.
        """
        point = self._last_kept()
        if point is None:
            raise NothingToTurn(
                "there is nothing to undo: no step or task is kept here",
                hint="`qwenagent restore` lists what there is",
            )
        return self._turn(point, back=True)

    def redo(self) -> Turned:
        """Bring back what was undone last.

        Raises:
            NothingToTurn, WorkspaceError: see `undo`.
        """
        undone = self._redoable()
        if not undone:
            raise NothingToTurn(
                "there is nothing to redo: nothing was undone since the last step or task",
                hint="`qwenagent restore` lists what there is",
            )
        return self._turn(undone[0], back=False)

    def next_point(self, *, back: bool) -> Point | None:
        """Return the point that `undo` would take back, or `redo` bring back; None if none."""
        return self._last_kept() if back else next(iter(self._redoable()), None)

    def restore(self, number: int) -> list[Turned]:
        """Go to the state after a point, 0 for that before all, one point after the other.

        Raises:
            NothingToTurn: there is no such point, other work came after it was undone, or all is
                as wanted.
            WorkspaceError: see `undo`; the points before are turned.
        """
        self._require_point(number)
        turned = []
        for point in [p for p in self._redoable() if p.number <= number]:
            turned.append(self._turn(point, back=False))
        while (last := self._last_kept()) is not None and last.number > number:
            turned.append(self._turn(last, back=True))
        if not turned:
            raise NothingToTurn(f"the tree is at point {number} already")
        return turned

    def finish(self) -> Turned | None:
        """Carry to its end what a killed process has begun; None if there is nothing of the kind.

        Raises:
            WorkspaceError: something cannot be written; then it is tried again at the next start.
        """
        place = self._repository.private_folder() / _TURNING
        if not is_plain_file(place):
            return None
        try:
            turn = msgspec.json.decode(place.read_bytes(), type=_Turn)
        except (OSError, msgspec.MsgspecError):  # never begun
            place.unlink(missing_ok=True)
            return None
        points = {point.number: point for point in self._points.all()}
        if turn.number not in points:
            place.unlink(missing_ok=True)
            return None
        return self._carry_out(points[turn.number], turn.back)

    def is_gone(self, point: Point) -> bool:
        """Return whether the user has dropped or rewritten the commit of a point."""
        if not point.commit or point.undone:
            return False
        tip = self._history.tip(point.place.branch.removeprefix("refs/heads/"))
        tips = [tip, "HEAD"] if tip else ["HEAD"]
        return not any(self._history.contains(point.commit, tip) for tip in tips)

    # -- which ------------------------------------------------------------------------------------

    def _last_kept(self) -> Point | None:
        kept = (point for point in reversed(self._points.all()) if not point.undone)
        return next((point for point in kept if not self.is_gone(point)), None)

    def _redoable(self) -> list[Point]:
        """Undone points after which nothing else was done, the oldest first."""
        last = self._last_kept()
        number = last.number if last else 0
        return [point for point in self._points.all() if point.undone and point.number > number]

    def _require_point(self, number: int) -> None:
        last = self._last_kept()
        reachable = {0} | {point.number for point in self._redoable()}
        reachable |= {p.number for p in self._points.all() if not p.undone}
        if number not in reachable:
            known = any(point.number == number for point in self._points.all())
            after = f"; {last.shown} came after it" if last and known else ""
            raise _no_point(
                f"point {number} was undone{after}" if known else f"there is no point {number}"
            )

    # -- turning ----------------------------------------------------------------------------------

    def _turn(self, point: Point, *, back: bool) -> Turned:
        self._require_place(point, back)
        if not point.commit:
            self._require_some(point, back)
        place = self._repository.private_folder() / _TURNING
        try:
            keep_file(place, msgspec.json.encode(_Turn(point.number, back)))
        except OSError as error:
            raise _unwritable(str(place), error) from error
        return self._carry_out(point, back)

    def _carry_out(self, point: Point, back: bool) -> Turned:
        turned: list[str] = []
        kept: dict[str, Kept] = {}
        for change in _in_order(self._points.changes(point), back):
            if _ends(change, back)[0].data is not None:
                self._clear_way(change.path, turned)
            if stays := self._put(change, back):
                kept[change.path] = stays
            else:
                turned.append(change.path)
        if back:
            self._remove_folders(point, turned)
        if point.commit:
            self._turn_commit(point, back)
        done = replace(point, undone=back)
        try:
            self._after(point, back, tuple(turned))
            self._points.mark(point, undone=back)
            (self._repository.private_folder() / _TURNING).unlink(missing_ok=True)
        except OSError as error:
            raise _unwritable("what was undone", error) from error
        return Turned(done, back, tuple(turned), kept)

    def _put(self, change: Change, back: bool) -> Kept | None:
        """Give a file its wanted content; return why it stays as it is, None if it does not.

        Raises:
            WorkspaceError: the system refuses it.
        """
        wanted, expected = _ends(change, back)
        if stays := self._why_kept(change, back):
            return Kept(stays, self._put_aside(change.path, wanted))
        now = self._root.data(change.path)
        try:
            mode = self._mode(change, back)
            if now == wanted.data and mode is None:
                return None
            if wanted.data is None:
                self._root.remove(change.path, expected.data)
            else:
                self._root.make_folders(change.path, [])
                mode = (wanted.mode & 0o777) if mode is None else mode
                was = now if now == wanted.data else expected.data
                self._root.replace(change.path, wanted.data, mode, was)
        except (EditRefused, PathEscapes):  # in the last moment
            return Kept("was changed just now", self._put_aside(change.path, wanted))
        except (NotADirectoryError, IsADirectoryError, FileExistsError) as error:
            # Something of the user's is where a folder of its path was: that stays.
            return Kept(f"cannot be written: {reason(error)}", self._put_aside(change.path, wanted))
        except OSError as error:
            raise _unwritable(change.path, error) from error
        return None

    def _mode(self, change: Change, back: bool) -> int | None:
        """Return the mode that a file needs to get, None if it has what it needs.

        Where the step has not made it executable, or the contrary, it has what the user gave it.
        """
        wanted, expected = _ends(change, back)
        status = self._root.look(change.path)
        if status is None or wanted.data is None:
            return None
        now = stat.S_IMODE(status.st_mode)
        if not (wanted.mode ^ expected.mode) & _EXECUTABLE:
            return None if self._root.data(change.path) == wanted.data else now
        return wanted.mode & 0o777 if (now ^ wanted.mode) & _EXECUTABLE else None

    def _why_kept(self, change: Change, back: bool) -> str:
        """Return what somebody else has done to a file since, empty if nothing."""
        wanted, expected = _ends(change, back)
        try:
            require_inside(change.path)
            status = self._root.look(change.path)
            now = None if status is None else self._root.load(change.path).data
        except PathEscapes as error:
            return f"cannot be reached: {error.message}"
        except OSError as error:
            return f"cannot be read: {reason(error)}"
        if now in (wanted.data, expected.data):
            return ""
        return "was deleted since" if now is None else "was changed since"

    def _put_aside(self, path: str, wanted: PreImage) -> str:
        if wanted.data is None:
            return ""
        try:
            return put_aside(self._repository.root, path, wanted.data)
        except (OSError, PathEscapes):  # it is in the point all the same
            return ""

    def _clear_way(self, path: str, removed: list[str]) -> None:
        """Remove the folder in a file's place that is empty, now that others of the point left it.

        One with something of the user's stays, and so does the file.
        """
        above = {parent for name in removed for parent in parents(name)}
        inside = [name for name in above if name == path or name.startswith(f"{path}/")]
        for name in sorted(inside, key=len, reverse=True):
            with suppress(OSError):  # told where the file cannot be written
                self._root.remove_folder(name)

    def _remove_folders(self, point: Point, turned: list[str]) -> None:
        above = {str(parent) for path in turned for parent in PurePosixPath(path).parents}
        for name in sorted(above & set(point.folders), key=len, reverse=True):
            try:
                self._root.remove_folder(name)
            except OSError:  # an empty folder is no loss
                continue

    def _turn_commit(self, point: Point, back: bool) -> None:
        """Drop a point's commit from its branch, or put it there again; then the index."""
        old, new = point.commit, point.place.head
        if not back:
            old, new = new, old
        hold = f"undone-{point.commit[:12]}"
        if back:
            self._refs.keep(hold, point.commit)
        if self._refs.place() == Place(point.place.branch, old):
            what = "undo" if back else "redo"
            self._refs.move_head(new, old, f"qwenagent: {what} of {point.about.title}"[:200])
        for change in _in_order(self._points.changes(point), back):
            _, expected = _ends(change, back)
            if self._repository.staged(change.path) == expected.data:
                self._repository.unstage(change.path)
        if not back:
            self._refs.drop(hold)

    # -- refusing ---------------------------------------------------------------------------------

    def _require_place(self, point: Point, back: bool) -> None:
        """Refuse to move a branch that is not where the point left it."""
        if not point.commit:
            return
        now, short = self._refs.place(), point.commit[:12]
        at = Place(point.place.branch, point.commit if back else point.place.head)
        if now == at:
            return
        revert = f"`git revert {short}` takes it back with a commit of its own"
        if now.branch != at.branch:
            raise WorkspaceError(
                f"point {point.shown} is commit {short} on {at.shown}, and {now.shown} is "
                "checked out",
                hint=f"`git switch {at.shown}`, then again; or here: {revert}" if back else "",
            )
        if not back:
            raise WorkspaceError(
                f"{now.shown} has moved on since point {point.shown} was undone: it was at "
                f"{at.head[:12]}, and is at {now.head[:12]}",
                hint=f"`git cherry-pick {short}` brings its commit on top",
            )
        n = len(self._history.messages(point.commit, "HEAD"))
        raise WorkspaceError(
            f"{n} commit(s) came on {now.shown} after {short}, the commit of point {point.shown}; "
            "they are not qwenagent's to drop",
            hint=revert,
        )

    def _require_some(self, point: Point, back: bool) -> None:
        """Refuse where every file of a point stays."""
        found = {c.path: self._why_kept(c, back) for c in self._points.changes(point)}
        if found and all(found.values()):
            shown = ", ".join(f"{path} {why}" for path, why in list(found.items())[:5])
            what = "undone" if back else "redone"
            raise NothingToTurn(
                f"point {point.shown} cannot be {what}: {shown}",
                hint="put your change somewhere else, then again: your version stays as it is",
            )


def _no_point(message: str) -> NothingToTurn:
    return NothingToTurn(message, hint="`qwenagent restore` lists what there is")


def _ends(change: Change, back: bool) -> tuple[PreImage, PreImage]:
    """Return what a file is to become, and what it has to be."""
    return (change.before, change.after) if back else (change.after, change.before)


def _in_order(changes: list[Change], back: bool) -> list[Change]:
    """Removals first: a file may come in the place of another one's folder."""
    return sorted(changes, key=lambda change: _ends(change, back)[0].data is not None)


def _unwritable(name: str, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{name} cannot be written: {reason(error)}",
        hint="mend that and start qwenagent again in this repository: it goes on where it stopped",
    )
