"""Points on disk: what each kept step or task has changed, so that it can be undone and redone.

One file a point, in the working tree's own folder inside git's: a line that says what it is, then
the contents before and after. Knows no git and no tree.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from qwenagent.errors import WorkspaceError, reason
from qwenagent.protocol.stored import decoded, encoded
from qwenagent.workspace.journal import PreImage
from qwenagent.workspace.listing import is_plain_file

_VERSION = 1
_FOLDER = "points"
_SUFFIX, _UNDONE = ".point", ".undone"
_NAME = re.compile(r"(\d{6,12})\.point")
MAX_POINTS = 300
"""Points that are kept: more than a day of steps, and few enough to be listed at once."""
MAX_BYTES = 200_000_000
"""Of all points: some thousand edited files, little beside what git itself keeps of a project."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where HEAD is."""

    branch: str
    """Its full name; empty where HEAD is detached."""
    head: str
    """Commit id."""

    @property
    def shown(self) -> str:
        """The branch as people write it, or the beginning of the commit's id."""
        return self.branch.removeprefix("refs/heads/") or self.head[:12]


@dataclass(frozen=True, slots=True)
class About:
    """What a point is the work of. Told by who kept it."""

    title: str = ""
    kind: Literal["step", "task"] = "task"
    run: str = ""
    """Id of the run, which is that of its transcript."""
    step: str = ""
    """Id of the step within the run."""
    plan: str = ""
    """Name under which the plan's progress is kept."""
    key: str = ""
    """Of the step in that progress."""
    state: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """A file before and after."""

    path: str
    before: PreImage
    after: PreImage


@dataclass(frozen=True, slots=True)
class Point:
    """A kept step or task; the contents are read on their own."""

    number: int
    unit: str
    time: float
    """Seconds since the epoch."""
    about: About
    place: Place
    """Where HEAD was before its commit."""
    commit: str = ""
    """Empty where nothing was committed."""
    paths: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    """Those that were made, the deepest first."""
    undone: bool = False
    v: int = _VERSION

    @property
    def shown(self) -> str:
        """A name for messages."""
        return f"{self.number} ({self.about.title})" if self.about.title else str(self.number)


@dataclass(slots=True)
class Points:
    """The points of one working tree."""

    private: Path
    """The folder of the tree's own inside git's."""
    _folder: Path = field(init=False)

    def __post_init__(self) -> None:
        self._folder = self.private / _FOLDER

    def all(self) -> list[Point]:
        """Return the points, the oldest first; what is not one of ours is left out.

        Raises:
            WorkspaceError: a newer version of the program has made one.
        """
        found = (self._read(place) for place in self._places())
        return [point for point in found if point is not None]

    def changes(self, point: Point) -> list[Change]:
        """Return what a point has changed.

        Raises:
            WorkspaceError: it cannot be read.
        """
        place = self._place(point.number)
        try:
            with place.open("rb") as file:
                file.readline()
                return msgspec.msgpack.decode(file.read(), type=list[Change])
        except (OSError, msgspec.MsgspecError) as error:
            raise WorkspaceError(
                f"point {point.number} cannot be read: {reason(error)}",
                hint=f"without it the earlier ones can be had: delete {place}",
            ) from error

    def add(
        self,
        unit: str,
        about: About,
        place: Place,
        commit: str,
        changes: Sequence[Change],
        folders: Sequence[str] = (),
    ) -> Point:
        """Keep a point; it is on the disk when this returns.

        Raises:
            OSError: it cannot be written.
        """
        numbers = [_number(path) for path in self._places()]
        number = max(numbers, default=0) + 1
        paths = tuple(change.path for change in changes)
        point = Point(number, unit, time.time(), about, place, commit, paths, tuple(folders))
        self._write(point, changes)
        return point

    def extend(self, point: Point, change: Change) -> Point:
        """Add a file to a point, or give one that it has a later content.

        Raises:
            OSError: it cannot be written.
        """
        known = {change.path: change for change in self.changes(point)}
        before = known[change.path].before if change.path in known else change.before
        known[change.path] = replace(change, before=before)
        point = replace(point, paths=tuple(known))
        self._write(point, list(known.values()))
        return point

    def mark(self, point: Point, *, undone: bool) -> None:
        """Keep whether a point is undone.

        Raises:
            OSError: it cannot be written.
        """
        place = self._place(point.number).with_suffix(_UNDONE)
        if undone:
            keep_file(place, b"")
        else:
            place.unlink(missing_ok=True)

    def prune(self, keep_days: float, now: float | None = None) -> int:
        """Remove points that are old, or more than are kept, but for the last; return how many."""
        now = time.time() if now is None else now
        n_bytes = n_gone = 0
        for n, place in enumerate(reversed(self._places())):
            try:
                status = place.stat()
            except OSError:
                continue
            n_bytes += status.st_size
            is_old = now - status.st_mtime > keep_days * 86_400
            if n and (is_old or n >= MAX_POINTS or n_bytes > MAX_BYTES):
                place.unlink(missing_ok=True)
                place.with_suffix(_UNDONE).unlink(missing_ok=True)
                n_gone += 1
        return n_gone

    def _read(self, place: Path) -> Point | None:
        try:
            with place.open("rb") as file:
                line = file.readline()
            if decoded(line, dict[str, object]).get("v", _VERSION) != _VERSION:
                raise WorkspaceError(
                    f"{place} was written by another version of qwenagent",
                    hint="use that one, or delete the file: what it says cannot be undone then",
                )
            point = decoded(line, Point)
        except (OSError, msgspec.MsgspecError):  # torn, or not of us
            return None
        undone = place.with_suffix(_UNDONE).exists()
        return replace(point, number=_number(place), undone=undone)

    def _write(self, point: Point, changes: Sequence[Change]) -> None:
        line = encoded(replace(point, undone=False))
        data = msgspec.msgpack.encode(list(changes))
        keep_file(self._place(point.number), line + b"\n" + data)

    def _place(self, number: int) -> Path:
        return self._folder / f"{number:06}{_SUFFIX}"

    def _places(self) -> list[Path]:
        """The files of points, the oldest first."""
        if self._folder.is_symlink():
            return []
        found: Iterator[Path] = self._folder.glob(f"*{_SUFFIX}")
        ours = (place for place in found if _NAME.fullmatch(place.name) and is_plain_file(place))
        return sorted(ours, key=_number)


def _number(place: Path) -> int:
    return int(place.stem)


def keep_file(place: Path, data: bytes) -> None:
    """Write a file so that it is on the disk when this returns, whole or as it was before.

    Raises:
        OSError: it cannot be written; it has the file's name.
    """
    fresh = place.with_name(f"{place.name}.new")
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        is_new = not place.exists()
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(place)
        if is_new:  # its name as well
            _sync_folder(place.parent)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        error.filename = str(place)
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
