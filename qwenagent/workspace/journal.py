"""Pre-images of what the agent wrote, and the way back to them.

Files are reached through the opened root, on the way there and on the way back. Knows nothing of
what may be written.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.errors import PathEscapes, WorkspaceError
from qwenagent.workspace.root import Root

if TYPE_CHECKING:
    from qwenagent.workspace.unfinished import Unfinished


@dataclass(frozen=True, slots=True)
class PreImage:
    """A file as it was before the first write. `data` is None where there was none."""

    data: bytes | None
    mode: int = 0o644


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

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file's content in one step, keeping its mode; parents are made."""
        self._remember(path, data)
        self._put(path, data, self.images[path].mode)

    def adopt(self, path: Path, before: bytes | None, *, executable: bool = False) -> None:
        """Remember what a file was before something else changed it."""
        mode = self._mode(path) | 0o111 if executable else self._mode(path) & ~0o111
        image = self.images.setdefault(path, PreImage(before, mode))
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, self.present(path))

    def remove(self, path: Path) -> None:
        """Delete a file, and the folders that were made for it."""
        self._remember(path, None)
        self.root.remove(self.root.relative(path))
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

    def ground(self) -> None:
        """Take the present state as the one that `rollback` returns to, but not `abandon`."""
        for path, image in self.images.items():
            self.grounded.setdefault(path, image)
        self.images.clear()

    def rollback(self) -> list[Path]:
        """Restore every file and return their paths; made folders go if they are empty.

        Raises:
            WorkspaceError: some could not be restored; the others are, and these are remembered.
        """
        failed: dict[Path, str] = {}
        for path, image in self.images.items():
            try:
                self._restore(path, image)
            except PathEscapes as error:
                failed[path] = error.message
            except OSError as error:
                failed[path] = error.strerror or str(error)
        self._remove_empty_folders()
        restored = [path for path in self.images if path not in failed]
        if failed:
            self.images = {path: self.images[path] for path in failed}
            shown = ", ".join(f"{path} ({why})" for path, why in failed.items())
            raise WorkspaceError(f"{len(failed)} file(s) could not be put back: {shown}")
        if self.grounded:
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
        self.made_folders.clear()
        if self.unfinished:
            self.unfinished.forget()

    def _restore(self, path: Path, image: PreImage) -> None:
        if image.data is None:
            self.root.remove(self.root.relative(path))
        elif not self._is_as_before(path, image):  # where nothing may be written, nothing was
            self._put(path, image.data, image.mode)

    def _is_as_before(self, path: Path, image: PreImage) -> bool:
        return self.present(path) == image.data and self._mode(path) == image.mode

    def _put(self, path: Path, data: bytes, mode: int) -> None:
        name = self.root.relative(path)
        made: list[str] = []
        try:
            self.root.make_folders(name, made)
        finally:
            self.made_folders += [self.root.path / folder for folder in made]
        self.root.replace(name, data, mode)

    def _remember(self, path: Path, after: bytes | None) -> None:
        image = self.images.get(path) or self._now(path)
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, after)
        self.images[path] = image

    def _now(self, path: Path) -> PreImage:
        try:
            stored = self.root.load(self.root.relative(path))
        except (FileNotFoundError, NotADirectoryError):
            return PreImage(None)
        return PreImage(stored.data, stat.S_IMODE(stored.status.st_mode))

    def _mode(self, path: Path) -> int:
        status = self.root.look(self.root.relative(path))
        return 0o644 if status is None else stat.S_IMODE(status.st_mode)

    def _remove_empty_folders(self) -> None:
        for folder in reversed(self.made_folders.copy()):
            if self.root.remove_folder(self.root.relative(folder)):
                self.made_folders.remove(folder)
