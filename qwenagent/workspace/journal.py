"""Pre-images of what the agent wrote, and the way back to them.

Files are reached through the opened root, on the way there and on the way back. A file that is not
as it was written here is somebody else's by then: it is left alone. Knows nothing of what may be
written.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated

from msgspec import Meta

from qwenagent.errors import EditRefused, PathEscapes, WorkspaceError
from qwenagent.workspace.root import ANYTHING, Root, Was

if TYPE_CHECKING:
    from qwenagent.workspace.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class PreImage:
    """A file at one time. `data` is None where there was none."""

    data: bytes | None
    mode: Annotated[int, Meta(ge=0, le=0o7777)] = 0o644


_NOTHING: Mapping[Path, PreImage] = MappingProxyType({})


def _unwatched(*_: object) -> None:
    """Nobody is told."""


@dataclass(slots=True)
class Journal:
    """Remembers each path's first pre-image since the last `clear`.

    Paths are absolute and below the root; for one through a link the methods raise PathEscapes.
    """

    root: Root
    images: dict[Path, PreImage] = field(default_factory=dict)
    grounded: dict[Path, PreImage] = field(default_factory=dict)
    """Pre-images of what `rollback` keeps and `abandon` takes back."""
    made_folders: list[Path] = field(default_factory=list)
    unfinished: Unfinished | None = None
    """Keeps the pre-images on disk as well."""
    ours: dict[Path, bytes | None] = field(default_factory=dict)
    """What each remembered file holds since it was written here."""
    in_doubt: bool = False
    """Whether a command runs or has run since the last write: what differs may be its work."""
    on_theirs: Callable[[Path, PreImage], None] = _unwatched
    """Called with a file that somebody else has changed, and its pre-image; it is let go of."""
    on_doubt: Callable[[Path, bytes | None], None] = _unwatched
    """Called with a file and what it got while a command ran, before that is written over."""
    doubtful: dict[Path, bytes | None] = field(default_factory=dict)
    """What files hold that changed while a command ran, by whose hand is not known."""
    adopted: set[Path] = field(default_factory=set)
    """Files whose last change was entered as that of a command."""

    def write(
        self, path: Path, data: bytes, *, was: Was = ANYTHING, mode: int | None = None
    ) -> None:
        """Replace a file's content in one step, keeping its mode; parents are made.

        Raises:
            EditRefused: something else is there than `was`.
        """
        with self._remembered({path: data}):
            self._put(path, data, self._mode(path) if mode is None else mode, was)

    def adopt(self, path: Path, before: bytes | None, *, executable: bool = False) -> None:
        """Remember what a file was before something else changed it."""
        mode = self._mode(path) | 0o111 if executable else self._mode(path) & ~0o111
        image = self.images.setdefault(path, PreImage(before, mode))
        self.ours[path] = self.doubtful[path] = self.present(path)
        self.adopted.add(path)
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, self.ours[path])

    def remove(self, path: Path, *, was: Was = ANYTHING) -> None:
        """Delete a file, and the folders that were made for it.

        Raises:
            EditRefused: something else is there than `was`.
        """
        with self._remembered({path: None}):
            self.root.remove(self.root.relative(path), was)
        self._remove_empty_folders()

    def rename(self, path: Path, to: Path, was: bytes) -> None:
        """Give a file that holds `was` another path, where nothing is; parents are made.

        Raises:
            EditRefused: it holds something else, or something is at the other path.
        """
        name, wanted = self.root.relative(path), self.root.relative(to)
        # Not asked of the disk: it may take both names for the same.
        free = {} if to in self.images else {to: PreImage(None)}
        try:
            with self._remembered({path: None, to: was}, free):
                self._make_folders(wanted)
                self.root.rename(name, wanted, was)
        finally:
            self._remove_empty_folders()

    def differs(self, path: Path) -> bool:
        """Return whether a remembered file is not what it was, or not as executable."""
        image = self.images[path]
        if self.present(path) != image.data:
            return True
        return image.data is not None and bool((self._mode(path) ^ image.mode) & 0o100)

    def present(self, path: Path) -> bytes | None:
        """Return a file's bytes now, None where no plain file of the tree is."""
        return self.root.data(self.root.relative(path))

    def now(self, path: Path) -> PreImage:
        """Return a file as it is, without data where no plain file of the tree is."""
        try:
            return self._now(path)
        except PathEscapes:
            return PreImage(None)

    def theirs(self) -> list[Path]:
        """Return the remembered files that somebody else has changed since they were written here.

        What changed while a command ran counts as the command's work.
        """
        changed = [path for path in self.images | self.grounded if self._is_theirs(path)]
        if not self.in_doubt:
            return changed
        for path in changed:
            self._take_over(path)
        return []

    def _take_over(self, path: Path) -> None:
        """Take what a file holds now for ours."""
        image = self.grounded.get(path) or self.images[path]
        now = self.present(path)
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, now)
        self.ours[path] = self.doubtful[path] = now

    def let_go(self, also: Iterable[Path] = ()) -> None:
        """Forget the files that somebody else has changed, and `also` these: they are theirs."""
        known = self.images | self.grounded
        for path in dict.fromkeys([*self.theirs(), *(path for path in also if path in known)]):
            self._let_go(path)

    def _let_go(self, path: Path) -> None:
        images = [images.pop(path) for images in (self.images, self.grounded) if path in images]
        self.ours.pop(path, None)
        self.on_theirs(path, images[-1])

    def expected(self, path: Path) -> Was:
        """Return what a file has to hold when it is put back, so that nobody's work is replaced."""
        ours = self.ours.get(path, ANYTHING)
        if ours is not None:
            return ours
        try:
            return None if self.root.look(self.root.relative(path)) is None else ANYTHING
        except PathEscapes:  # a link, and links go
            return ANYTHING

    def ground(self) -> None:
        """Take the present state as the one that `rollback` returns to, but not `abandon`."""
        for path, image in self.images.items():
            self.grounded.setdefault(path, image)
        self.images.clear()

    def rollback(self) -> list[Path]:
        """Restore every file and return their paths; made folders go if they are empty.

        What somebody else has changed since is let go of instead.

        Raises:
            WorkspaceError: some could not be restored; the others are, and these are remembered.
        """
        self.let_go()
        # What was made goes first: a file may have to come back in the place of a folder, or under
        # a name that the system does not tell from the new one.
        made = [path for path, image in self.images.items() if image.data is None]
        self._restore_all(made)
        self._remove_empty_folders()
        failed = self._restore_all(made)  # what failed may have had a made folder in its place
        failed |= self._restore_all(path for path in self.images if path not in made)
        self._remove_empty_folders()
        restored = [path for path in self.images if path not in failed]
        if failed:
            self.images = {path: self.images[path] for path in failed}
            shown = ", ".join(f"{path} ({why})" for path, why in failed.items())
            raise WorkspaceError(
                f"{len(failed)} file(s) could not be put back: {shown}",
                hint="mend that and start qwenagent again in this repository: it puts them back",
            )
        if self.grounded:
            self.ours = {path: self.present(path) for path in self.grounded}
            self.images.clear()
        else:
            self.clear()
        return restored

    def abandon(self) -> list[Path]:
        """Restore every file, also those that `ground` kept, and return their paths.

        Raises:
            WorkspaceError: see `rollback`.
        """
        restored = self.rollback()
        self.images, self.grounded = self.grounded, {}
        return [*restored, *self.rollback()]

    def clear(self) -> None:
        """Take the present state as the one to return to."""
        self.images.clear()
        self.grounded.clear()
        self.ours.clear()
        self.doubtful.clear()
        self.adopted.clear()
        self.made_folders.clear()
        self.in_doubt = False
        if self.unfinished:
            self.unfinished.forget()

    def _restore_all(self, paths: Iterable[Path]) -> dict[Path, str]:
        """Restore files and return why some could not be."""
        failed: dict[Path, str] = {}
        for path in [path for path in paths if path in self.images]:
            try:
                self._restore(path, self.images[path])
            except EditRefused:  # changed in the last moment
                self._let_go(path)
            except PathEscapes as error:
                failed[path] = error.message
            except OSError as error:
                failed[path] = error.strerror or str(error)
        return failed

    def _restore(self, path: Path, image: PreImage) -> None:
        if self._is_as_before(path, image):  # where nothing may be written, nothing was
            return
        self._tell_doubt(path)
        if image.data is None:
            self.root.remove(self.root.relative(path), self.expected(path))
        else:
            self._put(path, image.data, image.mode, self.expected(path))
        self.ours[path] = image.data

    def _tell_doubt(self, path: Path) -> None:
        """Tell of a content in doubt that is about to go."""
        if path in self.doubtful and self.doubtful.pop(path) == (now := self.present(path)):
            self.on_doubt(path, now)
        self.adopted.discard(path)

    def _is_theirs(self, path: Path) -> bool:
        return path in self.ours and self.present(path) != self.ours[path]

    def _is_as_before(self, path: Path, image: PreImage) -> bool:
        if image.data is None:  # what is no file, a link say, is to go as well
            return False
        return self.present(path) == image.data and self._mode(path) == image.mode

    def _put(self, path: Path, data: bytes, mode: int, was: Was = ANYTHING) -> None:
        name = self.root.relative(path)
        self._make_folders(name)
        self.root.replace(name, data, mode, was)

    def _make_folders(self, name: str) -> None:
        made: list[str] = []
        try:
            self.root.make_folders(name, made)
        finally:
            self.made_folders += [self.root.path / folder for folder in made]

    @contextmanager
    def _remembered(
        self, after: Mapping[Path, bytes | None], known: Mapping[Path, PreImage] = _NOTHING
    ) -> Iterator[None]:
        """Remember files before they become `after`; what is refused then, was never ours."""
        if self.in_doubt:
            self.theirs()
        fresh = [path for path in after if path not in self.images]
        for path, data in after.items():
            image = self.images.get(path) or known.get(path) or self._now(path)
            if self.unfinished:
                self.unfinished.note(path, image.data, image.mode, data)
            self._tell_doubt(path)
            self.images[path] = image
        try:
            yield
        except EditRefused:
            for path in fresh:
                del self.images[path]
            raise
        except BaseException:
            self._note_cut_short(after)
            raise
        self.ours.update(after)
        self.in_doubt = False

    def _note_cut_short(self, after: Mapping[Path, bytes | None]) -> None:
        """Find out what a write that failed has done."""
        for path, data in after.items():
            if self.present(path) == data:
                self.ours[path] = data
            else:
                self.ours.setdefault(path, self.images[path].data)

    def _now(self, path: Path) -> PreImage:
        try:
            stored = self.root.load(self.root.relative(path))
        except (FileNotFoundError, NotADirectoryError):
            return PreImage(None)
        return PreImage(stored.data, stat.S_IMODE(stored.status.st_mode))

    def _mode(self, path: Path) -> int:
        status = self.root.look(self.root.relative(path))
        if status is None:
            return self.images[path].mode if path in self.images else 0o644
        return stat.S_IMODE(status.st_mode)

    def _remove_empty_folders(self) -> None:
        for folder in reversed(self.made_folders.copy()):
            if self.root.remove_folder(self.root.relative(folder)):
                self.made_folders.remove(folder)
