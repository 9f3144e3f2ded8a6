"""The working tree as the tools see it: texts in, whole edits out, nothing outside of it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from qwenagent.errors import EditRefused, PathEscapes, WorkspaceError, reason
from qwenagent.workspace import readonly
from qwenagent.workspace.access import Access
from qwenagent.workspace.diff import unified_diff
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.listing import Listing
from qwenagent.workspace.meanwhile import ChangedMeanwhile, Meanwhile
from qwenagent.workspace.paths import require_inside
from qwenagent.workspace.pointmaking import PointMaker
from qwenagent.workspace.points import About, Point
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.root import Root, kind_of
from qwenagent.workspace.textfile import MAX_BYTES, Run, TextFile, encoding_of
from qwenagent.workspace.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file, as texts with `\\n`."""

    path: str
    old: str | None
    """What it was made from; None for a new file."""
    new: str | None
    """None for a file that is deleted."""
    to: str = ""
    """The path to which the file, unchanged, is renamed."""
    kept: tuple[Run, ...] | None = field(default=None, compare=False)
    """The lines that it does not touch, if that is known; else the texts are compared."""
    meant: str | None = field(default=None, compare=False)
    """Where what somebody else has changed meanwhile is in `new` as well: the text without that."""


_THERE = PreImage(b"")
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""No other edit will do better."""


class Workspace:
    """Reads and writes files of one repository, through a journal.

    The repository's folder is opened here, and every file is reached from there.
    """

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.root = repository.root
        self._disk = Root(self.root)
        self._access = Access(repository, self._disk)
        self._unfinished = Unfinished(repository)
        self.journal = Journal(self._disk, unfinished=self._unfinished)
        self.meanwhile = Meanwhile(repository, self.journal)
        self._maker = PointMaker(repository, self.journal, self._unfinished)
        self._settled: dict[Path, PreImage] = {}
        self._listing: Listing | None = None

    # -- what there is ------------------------------------------------------------------------

    def files(self) -> list[str]:
        """Return the repository's files, ignored ones not, sorted.

        Listed anew when a folder or an ignore file has changed since, by whomever.
        """
        return list(self._listed().files)

    def refresh(self) -> None:
        """Have everything listed anew, also what `Listing.is_current` does not see."""
        self._listing = None

    def _listed(self) -> Listing:
        if self._listing is None or not self._listing.is_current():
            self._listing = self.repository.listing()
        return self._listing

    def writable(self, paths: Iterable[str]) -> Iterator[str]:
        """Yield those of `paths` that may be changed, in order; looks into each as it comes."""
        wanted = list(paths)
        listing = self._listed()
        attributes = self._access.attributes(wanted, listing)
        for path in wanted:
            if not self._why_read_only(path, attributes.get(path, {}), listing):
                yield path

    def why_not_written(self, path: str) -> str:
        """Return why a path can be neither created nor changed, empty if it can."""
        listing = self._listed()
        try:
            if self._reach(path, listing) is not None:
                self.read(path)
            else:
                self._require_no_twin(path)
        except (EditRefused, PathEscapes) as error:
            return error.message
        return self._why_not_this(path, listing)

    def holding(self, text: str) -> Iterator[str]:
        """Yield the files that may hold a text of one line, in any case, sorted.

        Git looks through what is tracked, several files at a time; the few others are all named.
        """
        if not text or any(c in "\n\0" or "\ud800" <= c <= "\udfff" for c in text):
            return
        listing = self._listed()
        held = self.repository.holding(text)
        seen = listing.index.tracked - listing.index.unwatched
        yield from (path for path in listing.files if path in held or path not in seen)

    def look(self, path: str) -> os.stat_result | None:
        """Return what is at a path of the repository, None if nothing is.

        Raises:
            PathEscapes: it leads out of the repository, through a link, or to a protected place.
        """
        return self._disk.look(require_inside(path))

    def exists(self, path: str) -> bool:
        """Return whether something is at this path of the repository."""
        return self._mode(path) != 0

    def is_file(self, path: str) -> bool:
        """Return whether a plain file is at this path of the repository."""
        return stat.S_ISREG(self._mode(path))

    def is_folder(self, path: str) -> bool:
        """Return whether a folder is at this path of the repository."""
        return stat.S_ISDIR(self._mode(path))

    def _mode(self, path: str) -> int:
        try:
            found = self.look(path)
        except PathEscapes:
            return 0
        return found.st_mode if found else 0

    def read(self, path: str) -> TextFile:
        """Return a file.

        Raises:
            PathEscapes: it is outside of the repository.
            EditRefused: it is missing, hidden from the agent, too large or not text.
        """
        return self._loaded(path)[1]

    def _loaded(self, path: str) -> tuple[bytes, TextFile]:
        # An old listing will do: what it names was allowed, and all else is looked up.
        found = self._reach(path, self._listing or self._listed())
        if found is None:
            raise EditRefused(f"{path} does not exist")
        if not stat.S_ISREG(found.st_mode):
            raise EditRefused(f"{path} is {kind_of(found)}")
        if path.endswith(".ipynb"):
            raise EditRefused(readonly.notebook(path))
        data = self._bytes(path, found.st_size)
        return data, TextFile.decode(data, path)

    def _bytes(self, path: str, size: int) -> bytes:
        try:
            data = b"" if size > MAX_BYTES else self._disk.load(_plain(path), MAX_BYTES + 1).data
        except OSError as error:
            raise EditRefused(f"{path} cannot be read: {error.strerror}") from error
        if (size := max(size, len(data))) > MAX_BYTES:
            raise EditRefused(
                f"{path} has {size:,} bytes, more than the {MAX_BYTES:,} that are read; "
                "split it, or work on a smaller file"
            )
        return data

    def text(self, path: str) -> str | None:
        """Return a file's text, None if it cannot be read as text."""
        try:
            return self.read(path).text
        except (EditRefused, PathEscapes):
            return None

    def apply(self, edit: Edit) -> None:
        """Write an edit.

        The file is compared with what the edit was made from, and again in the act of writing.

        Raises:
            PathEscapes: it is outside of the repository.
            EditRefused: the file is not what the edit was made from, or cannot be written.
            WorkspaceError: no file can be, or it cannot be kept what this one was.
            ChangedMeanwhile: somebody else has changed what was written before, or switched away.
        """
        self.meanwhile.require_place()
        listing = self._listed()
        for path in filter(None, (edit.path, edit.to)):
            self._reach(path, listing)
            if why := self._why_not_this(path, listing):
                raise EditRefused(why)
        try:
            self._carry_out(edit)
        except OSError as error:
            raise self._not_written(edit, error) from error
        finally:
            self.refresh()

    def _not_written(self, edit: Edit, error: OSError) -> WorkspaceError:
        at = edit.to or edit.path
        if Path(error.filename or "").is_relative_to(self.repository.private_folder()):
            return WorkspaceError(
                f"{at} is not written: what it was cannot be kept in {error.filename}: "
                f"{reason(error)}",
                hint="make git's folder writable, or free some disk space, then run again",
            )
        if error.errno in _FULL:
            return _unwritable(at, error)
        return EditRefused(f"{at} cannot be written: {error.strerror}")

    def _carry_out(self, edit: Edit) -> None:
        target = self.root / _plain(edit.path)
        if edit.old is None:
            self._require_new(edit.path)
            self.journal.write(target, TextFile("").encode(edit.new or "", edit.path), was=None)
            return
        data, file = self._require(edit)
        if edit.to:
            self._require_free(edit)
            self.journal.rename(target, self.root / _plain(edit.to), data)
        elif edit.new is None:
            self.journal.remove(target, was=data)
        else:
            self.journal.write(target, file.encode(edit.new, edit.path, edit.kept), was=data)
            if edit.meant is not None:
                self.meanwhile.tell_merged(edit.path, edit.old, edit.new)

    def _require_new(self, path: str) -> None:
        if self.look(path) is not None:
            raise EditRefused(f"{path} exists by now")
        self._require_no_twin(path)

    def _require_free(self, edit: Edit) -> None:
        """Refuse a path to rename to, unless it differs from the old one in spelling alone."""
        if edit.new != edit.old:
            raise EditRefused(f"{edit.path} is renamed as it is; change it in another call")
        path, to = _plain(edit.path), _plain(edit.to)
        if self._disk.respells(path, to):
            return
        if (found := self.look(to)) is not None:
            more = f"; name the file in it, as {to}/{PurePosixPath(path).name}"
            is_folder = stat.S_ISDIR(found.st_mode)
            raise EditRefused(f"{to} is {kind_of(found)}{more}" if is_folder else f"{to} exists")
        self._require_no_twin(to)

    def _require_no_twin(self, path: str) -> None:
        if twin := self._disk.twin(_plain(path)):
            raise EditRefused(
                f"{path} would be another spelling of {twin}, and on some systems the same file"
            )

    def _require(self, edit: Edit) -> tuple[bytes, TextFile]:
        data, file = self._loaded(edit.path)
        if file.text != edit.old:
            raise EditRefused(f"{edit.path} has changed since it was read; read it again")
        self._require_way_back(self.root / _plain(edit.path))
        return data, file

    def intend(self, about: About) -> None:
        """Keep on disk that what was written is about to be kept, as a commit or as it is.

        Raises:
            OSError: it cannot be kept.
        """
        self._maker.intend(about)

    def settle(self, about: About | None = None, commit: str = "", first: str = "") -> Point | None:
        """Keep what was written: `rollback` now returns to this state.

        With `about` it becomes a point, which can be undone later; `commit` is what holds it, with
        those before it from `first` on.

        Raises:
            OSError: the point cannot be written; the files are kept all the same.
        """
        for path, image in (self.journal.images | self.journal.grounded).items():
            self._settled.setdefault(path, image)
        try:
            return self._maker.make(about, commit, first) if about else None
        finally:
            self.journal.clear()
            self.meanwhile.stand()

    def add_to_point(self, path: str, before: bytes | None) -> None:
        """Have the last point of this run undo one more file, which was `before`.

        Raises:
            OSError: it cannot be kept.
        """
        self._maker.extend(path, before)

    def prune(self) -> None:
        """Remove what is too old, or too much, of points and private refs."""
        self._maker.prune()

    def ground(self) -> None:
        """Make what was written the state that `rollback` returns to; `abandon` goes below it."""
        self.journal.ground()

    def adopt(self, path: str, before: bytes | None, *, executable: bool = False) -> None:
        """Take a change that something else made for one of ours; `before` is what it was.

        Raises:
            PathEscapes: it is no file that may be written here.
        """
        self.look(path)
        self.journal.adopt(self.root / _plain(path), before, executable=executable)

    def command_begins(self, shown: str, snapshot: str) -> None:
        """Keep on disk that a command runs; `snapshot` is a commit of the tree before it.

        Raises:
            OSError: it cannot be kept.
        """
        self._unfinished.command_begins(shown, snapshot)

    def command_ended(self) -> None:
        """What the command has changed is adopted."""
        self._unfinished.command_ended()

    def expect_changes(self) -> None:
        """Say that a command runs now: what our files become until the next write is its work.

        Else a file that is not as it was written here is somebody else's, and is left alone.
        """
        self.journal.in_doubt = True

    def claim(self, paths: Iterable[str]) -> None:
        """Say that what these files hold now was wanted of a command: nobody else's work is in it.

        Else it would be kept aside when it is written over.
        """
        for path in paths:
            self.journal.doubtful.pop(self.root / _plain(path), None)

    def changed(self) -> list[str]:
        """Return the paths that differ from what `rollback` returns to, in the order of writing."""
        return self._relative(path for path in self.journal.images if self.journal.differs(path))

    def written(self) -> tuple[list[str], list[str]]:
        """Return the paths that the run changed and those it created, of those that are there."""
        images = self._images(whole_run=True)
        now = {path: self.journal.present(path) for path in images}
        changed = [p for p, old in images.items() if old.data is not None and now[p] != old.data]
        created = [p for p, old in images.items() if old.data is None and now[p] is not None]
        return self._relative(p for p in changed if now[p] is not None), self._relative(created)

    def rollback(self) -> list[str]:
        """Undo every write since the last `settle` or `ground`; return the paths.

        Raises:
            ChangedMeanwhile: somebody else changed some, which stay; all others were undone.
            WorkspaceError: some could not be written; all others were.
        """
        self.refresh()
        self.meanwhile.let_go_of_commits()
        restored = self._relative(self.journal.rollback())
        self.meanwhile.stop_if_left()
        return restored

    def abandon(self) -> list[str]:
        """Undo every write since the last `settle`, also what is grounded; return the paths.

        What somebody else has changed since stays, and is told.

        Raises:
            WorkspaceError: some could not be written; all others were.
        """
        self.refresh()
        self.meanwhile.let_go_of_commits()
        restored = self._relative(self.journal.abandon())
        self.meanwhile.forget()
        return restored

    def state(self) -> dict[str, PreImage]:
        """Return what every file is now that was written since the last `settle`."""
        images = self.journal.images
        return dict(zip(self._relative(images), map(self.journal.now, images), strict=True))

    def restore(self, state: Mapping[str, PreImage]) -> None:
        """Go from any later state back to one that `state` returned.

        Raises:
            ChangedMeanwhile: somebody else has changed a file since, which stays as it is.
            WorkspaceError: one cannot be written.
        """
        self.refresh()
        self.meanwhile.require_ours()
        wanted = self.journal.images | {self.root / name: now for name, now in state.items()}
        try:
            self._go_to(wanted)
        except EditRefused as error:  # in the last moment
            self.meanwhile.require_ours()
            raise ChangedMeanwhile(error.message) from error
        except OSError as error:
            raise _unwritable(error.filename or "a file", error) from error
        self.journal.in_doubt = False  # also where nothing had to be written

    def _go_to(self, wanted: Mapping[Path, PreImage]) -> None:
        journal = self.journal
        for path, image in wanted.items():
            # A folder there is one of others, or goes with what was made in it.
            if image.data is None and not self.is_folder(self._disk.relative(path)):
                journal.remove(path, was=journal.expected(path))
        for path, image in wanted.items():
            if image.data is not None and image != journal.now(path):
                journal.write(path, image.data, was=journal.expected(path), mode=image.mode)

    def patch(self, *, whole_run: bool = False) -> str:
        """Return what was written since the last `settle`, or ever, as one unified diff."""
        parts = []
        for path, image in self._images(whole_run=whole_run).items():
            (name,) = self._relative([path])
            now = self.journal.now(path)
            mode = image.mode if now.data is None else now.mode
            parts.append(unified_diff(name, _decoded(image.data), _decoded(now.data), mode))
        return "".join(parts)

    def _images(self, *, whole_run: bool) -> dict[Path, PreImage]:
        if not whole_run:
            return self.journal.images
        return self.journal.images | self.journal.grounded | self._settled

    # -- what is hidden, and what is only read ------------------------------------------------

    def _reach(self, path: str, listing: Listing) -> os.stat_result | None:
        """Return what is at a path that the agent may see, None if nothing is.

        Raises:
            PathEscapes, EditRefused: it may not.
        """
        found = self.look(path)
        name = _plain(path)
        if name not in listing.files and (why := self._access.why_hidden(name, listing)):
            raise EditRefused(why)
        return found

    def _why_not_this(self, path: str, listing: Listing) -> str:
        path = _plain(path)
        return self._why_read_only(
            path, self._access.attributes([path], listing).get(path, {}), listing
        )

    def _why_read_only(self, path: str, attributes: Mapping[str, bool], listing: Listing) -> str:
        if self._images(whole_run=True).get(self.root / path, _THERE).data is None:
            return ""  # made in this run
        return self._access.why_read_only(path, attributes, listing)

    def _require_way_back(self, target: Path) -> None:
        """Refuse a file of the user's that neither a commit nor a snapshot would hold."""
        if target in self._images(whole_run=True):
            return
        (path,) = self._relative([target])
        if why := self.repository.why_untouchable(path):
            raise EditRefused(why)

    def _relative(self, paths: Iterable[Path]) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in paths]


def _unwritable(path: str, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"{path} cannot be written: {reason(error)}",
        hint="mend that, or free some disk space, then run again",
    )


def _plain(path: str) -> str:
    """A path as a listing has it."""
    return PurePosixPath(path).as_posix()


def _decoded(data: bytes | None) -> str | None:
    # Not TextFile: a patch has the line ends and the byte order mark as they are.
    return None if data is None else data.decode(encoding_of(data) or "utf-8", errors="replace")
