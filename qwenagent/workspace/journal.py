"""Pre-images of what the agent wrote, and the way back to them."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PreImage:
    """A file as it was before the first write. `data` is None where there was none."""

    data: bytes | None
    mode: int = 0o644


@dataclass(slots=True)
class Journal:
    """Remembers each path's first pre-image since the last `clear`. Paths are absolute."""

    images: dict[Path, PreImage] = field(default_factory=dict)
    made_folders: list[Path] = field(default_factory=list)

    def write(self, path: Path, data: bytes) -> None:
        """Replace a file's content in one step, keeping its mode; parents are made."""
        self._remember(path)
        for folder in reversed([p for p in path.parents if not p.exists()]):
            folder.mkdir()
            self.made_folders.append(folder)
        replace_file(path, data, self.images[path].mode)

    def rollback(self) -> list[Path]:
        """Restore every file and return their paths; made folders go if they are empty."""
        for path, image in self.images.items():
            if image.data is None:
                path.unlink(missing_ok=True)
            else:
                replace_file(path, image.data, image.mode)
        for folder in reversed(self.made_folders):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        restored = list(self.images)
        self.clear()
        return restored

    def clear(self) -> None:
        """Take the present state as the one to return to."""
        self.images.clear()
        self.made_folders.clear()

    def _remember(self, path: Path) -> None:
        if path in self.images:
            return
        if path.exists():
            self.images[path] = PreImage(path.read_bytes(), path.stat().st_mode & 0o7777)
        else:
            self.images[path] = PreImage(None)


def replace_file(path: Path, data: bytes, mode: int) -> None:
    """Write a file so that it has the old or the new content at any moment."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(name, mode)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
