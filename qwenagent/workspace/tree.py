"""The working tree as the tools see it: texts in, whole edits out, nothing outside of it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import EditRefused
from qwenagent.workspace.journal import Journal, PreImage
from qwenagent.workspace.paths import confine
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.textfile import MAX_BYTES, TextFile


@dataclass(frozen=True, slots=True)
class Edit:
    """A change of one file, as texts with `\\n`. `old` is None for a new file."""

    path: str
    old: str | None
    new: str


class Workspace:
    """Reads and writes files of one repository, through a journal."""

    def __init__(self, repository: Repository) -> None:
        self.repository = repository
        self.root = repository.root
        self.journal = Journal()
        self._settled: dict[Path, PreImage] = {}

    def files(self) -> list[str]:
        """Return the repository's files, ignored ones not, sorted."""
        return self.repository.files()

    def exists(self, path: str) -> bool:
        """Return whether something is at this path."""
        return (self.root / path).exists()

    def read(self, path: str) -> TextFile:
        """Return a file.

        Raises:
            PathEscapes: it is outside of the repository.
            EditRefused: it is missing, too large or not text.
        """
        target = confine(self.root, path)
        if not target.is_file():
            raise EditRefused(f"{path} does not exist")
        size = target.stat().st_size
        if size > MAX_BYTES:
            raise EditRefused(f"{path} has {size} bytes, more than {MAX_BYTES}")
        data = target.read_bytes()
        if b"\0" in data[:8000]:
            raise EditRefused(f"{path} is not a text file")
        return TextFile.decode(data, path)

    def text(self, path: str) -> str | None:
        """Return a file's text, None if it cannot be read as text."""
        try:
            return self.read(path).text
        except (EditRefused, OSError):
            return None

    def apply(self, edit: Edit) -> None:
        """Write an edit.

        Raises:
            EditRefused: the file is not what the edit was made from.
        """
        target = confine(self.root, edit.path)
        if edit.old is None:
            if target.exists():
                raise EditRefused(f"{edit.path} exists by now")
            self.journal.write(target, edit.new.encode("utf-8"))
            return
        file = self.read(edit.path)
        if file.text != edit.old:
            raise EditRefused(f"{edit.path} has changed since it was read; read it again")
        self.journal.write(target, file.encode(edit.new))

    def settle(self) -> None:
        """Keep what was written: `rollback` now returns to this state."""
        for path, image in self.journal.images.items():
            self._settled.setdefault(path, image)
        self.journal.clear()

    def changed(self) -> list[str]:
        """Return the paths written since the last `settle`, relative, in order."""
        return [self._relative(path) for path in self.journal.images]

    def written(self) -> tuple[list[str], list[str]]:
        """Return the paths that the run changed and those it created, of those that are there."""
        images = {**self.journal.images, **self._settled}
        there = {self._relative(p): image for p, image in images.items() if p.exists()}
        changed = [p for p, image in there.items() if image.data is not None]
        return changed, [p for p in there if p not in changed]

    def rollback(self) -> list[str]:
        """Undo every write since the last `settle`; return the paths."""
        return [self._relative(path) for path in self.journal.rollback()]

    def state(self) -> dict[str, bytes | None]:
        """Return the present bytes of every file written since the last `settle`."""
        return {
            self._relative(p): p.read_bytes() if p.exists() else None for p in self.journal.images
        }

    def restore(self, state: dict[str, bytes | None]) -> None:
        """Go from any later state back to one that `state` returned."""
        images = self.journal.images
        for path in [p for p in images if self._relative(p) not in state]:
            image = images[path]
            self._put(path, image.data)
        for name, data in state.items():
            self._put(self.root / name, data)

    def patch(self, *, whole_run: bool = False) -> str:
        """Return what was written since the last `settle`, or ever, as one unified diff."""
        images = {**self.journal.images, **self._settled} if whole_run else self.journal.images
        parts = []
        for path, image in images.items():
            old = image.data.decode("utf-8", errors="replace") if image.data is not None else None
            new = path.read_text(encoding="utf-8", errors="replace") if path.exists() else None
            parts.append(unified_diff(self._relative(path), old, new))
        return "".join(parts)

    def _put(self, path: Path, data: bytes | None) -> None:
        if data is None:
            path.unlink(missing_ok=True)
        else:
            self.journal.write(path, data)

    def _relative(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix()


def unified_diff(path: str, old: str | None, new: str | None) -> str:
    """Return a diff that `git apply` takes; None is a file that is not there."""
    if old == new:
        return ""
    head = f"diff --git a/{path} b/{path}\n"
    if old is None:
        head += "new file mode 100644\n"
    if new is None:
        head += "deleted file mode 100644\n"
    rows = difflib.unified_diff(
        (old or "").splitlines(keepends=True),
        (new or "").splitlines(keepends=True),
        "/dev/null" if old is None else f"a/{path}",
        "/dev/null" if new is None else f"b/{path}",
    )
    ended = (row if row.endswith("\n") else row + "\n\\ No newline at end of file\n" for row in rows)
    return head + "".join(ended)
