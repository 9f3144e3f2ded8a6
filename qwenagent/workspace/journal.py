"""Pre-images of what the agent wrote, and the way back to them."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from qwenagent.errors import WorkspaceError

if TYPE_CHECKING:
    from qwenagent.workspace.unfinished import Unfinished


TEMPORARY = ".qwenagent-"
"""What the names of half-written files begin with."""


@dataclass(frozen=True, slots=True)
class PreImage:
    """A file as it was before the first write. `data` is None where there was none."""

    data: bytes | None
    mode: int = 0o644


@dataclass(slots=True)
class Journal:
    """Remembers each path's first pre-image since the last `clear`. Paths are absolute."""

    images: dict[Path, PreImage] = field(default_factory=dict)
    grounded: dict[Path, PreImage] = field(default_factory=dict)
    """Pre-images of what `rollback` keeps and `abandon` takes back."""
    made_folders: list[Path] = field(default_factory=list)
    unfinished: Unfinished | None = None
    """Keeps the pre-images on disk as well."""

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file's content in one step, keeping its mode; parents are made."""
        self._remember(path, data)
        for folder in reversed([p for p in path.parents if not p.exists()]):
            folder.mkdir()
            self.made_folders.append(folder)
        replace_file(path, data, self.images[path].mode)

    def adopt(self, path: Path, before: bytes | None, *, executable: bool = False) -> None:
        """Remember what a file was before something else changed it."""
        mode = path.stat().st_mode & 0o7777 if path.exists() else 0o644
        mode = mode | 0o111 if executable else mode & ~0o111
        image = self.images.setdefault(path, PreImage(before, mode))
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, present_bytes(path))

    def remove(self, path: Path) -> None:
        """Delete a file, and the folders that were made for it."""
        self._remember(path, None)
        path.unlink(missing_ok=True)
        self._remove_empty_folders()

    def differs(self, path: Path) -> bool:
        """Return whether a remembered file is not what it was, or not as executable."""
        image = self.images[path]
        if present_bytes(path) != image.data:
            return True
        return image.data is not None and bool((path.stat().st_mode ^ image.mode) & 0o100)

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
        restored = []
        failed: dict[Path, str] = {}
        for path, image in self.images.items():
            try:
                _restore(path, image)
            except OSError as error:
                failed[path] = error.strerror or str(error)
            else:
                restored.append(path)
        self._remove_empty_folders()
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

    def _remember(self, path: Path, after: bytes | None) -> None:
        image = self.images.get(path)
        if image is None:
            data = present_bytes(path)
            image = PreImage(data)
            if data is not None:
                image = PreImage(data, path.stat().st_mode & 0o7777)
        if self.unfinished:
            self.unfinished.note(path, image.data, image.mode, after)
        self.images[path] = image

    def _remove_empty_folders(self) -> None:
        for folder in reversed(self.made_folders.copy()):
            if not folder.is_dir():
                self.made_folders.remove(folder)
            elif not any(folder.iterdir()):
                folder.rmdir()
                self.made_folders.remove(folder)


def _restore(path: Path, image: PreImage) -> None:
    if image.data is None:
        path.unlink(missing_ok=True)
    elif not _is_as_before(path, image):  # in a folder without permission nothing was written
        path.parent.mkdir(parents=True, exist_ok=True)  # the project's tests may remove it
        replace_file(path, image.data, image.mode)


def _is_as_before(path: Path, image: PreImage) -> bool:
    return (
        path.is_file()
        and not path.is_symlink()
        and path.stat().st_mode & 0o7777 == image.mode
        and path.read_bytes() == image.data
    )


def present_bytes(path: Path) -> bytes | None:
    """Return a file's bytes, None if there is none."""
    return path.read_bytes() if path.exists() else None


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Write a file so that it has the old or the new content at any moment.

    A hard link is cut by that: its other name, which may lie outside of the repository, keeps the
    old content. The time of the new content is at least a second after that of the old: Python
    tells by size and whole seconds whether its compiled copy is still good.
    """
    before = path.stat().st_mtime if path.exists() else 0.0
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(name).chmod(mode)
        if int(before) >= int(time.time()):
            os.utime(name, (time.time(), int(before) + 1))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
