"""The working tree as the tools see it: texts in, whole edits out, nothing outside of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.workspace.diff import unified_diff
from qwenagent.workspace.journal import Journal, PreImage, present_bytes
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
        """Return whether something is at this path of the repository."""
        try:
            return confine(self.root, path).exists()
        except PathEscapes:
            return False

    def read(self, path: str) -> TextFile:
        """Return a file.

        Raises:
            PathEscapes: it is outside of the repository.
            EditRefused: it is missing, too large or not text.
        """
        target = confine(self.root, path)
        if not target.is_file():
            raise EditRefused(
                f"{path} is a folder" if target.exists() else f"{path} does not exist"
            )
        try:
            size = target.stat().st_size
            if size > MAX_BYTES:
                raise EditRefused(f"{path} has {size} bytes, more than {MAX_BYTES}")
            return TextFile.decode(target.read_bytes(), path)
        except OSError as error:
            raise EditRefused(f"{path} cannot be read: {error.strerror}") from error

    def text(self, path: str) -> str | None:
        """Return a file's text, None if it cannot be read as text."""
        try:
            return self.read(path).text
        except (EditRefused, PathEscapes):
            return None

    def apply(self, edit: Edit) -> None:
        """Write an edit.

        Raises:
            PathEscapes: it is outside of the repository.
            EditRefused: the file is not what the edit was made from, or cannot be written.
        """
        target = confine(self.root, edit.path)
        if edit.old is None:
            if target.exists():
                raise EditRefused(f"{edit.path} exists by now")
            file = TextFile("")
        else:
            file = self.read(edit.path)
            if file.text != edit.old:
                raise EditRefused(f"{edit.path} has changed since it was read; read it again")
            self._require_way_back(target)
        try:
            self.journal.write(target, file.encode(edit.new))
        except OSError as error:
            raise EditRefused(f"{edit.path} cannot be written: {error.strerror}") from error
        except UnicodeEncodeError:
            raise EditRefused(f"the text for {edit.path} cannot be written as UTF-8") from None

    def settle(self) -> None:
        """Keep what was written: `rollback` now returns to this state."""
        for path, image in self.journal.images.items():
            self._settled.setdefault(path, image)
        self.journal.clear()

    def changed(self) -> list[str]:
        """Return the paths that differ from the last `settle`, in the order of writing."""
        return self._relative(path for path in self.journal.images if self.journal.differs(path))

    def written(self) -> tuple[list[str], list[str]]:
        """Return the paths that the run changed and those it created, of those that are there."""
        images = self._images(whole_run=True)
        now = {path: present_bytes(path) for path in images}
        changed = [p for p, old in images.items() if old.data is not None and now[p] != old.data]
        created = [p for p, old in images.items() if old.data is None and now[p] is not None]
        return self._relative(p for p in changed if now[p] is not None), self._relative(created)

    def rollback(self) -> list[str]:
        """Undo every write since the last `settle`; return the paths."""
        return self._relative(self.journal.rollback())

    def state(self) -> dict[str, bytes | None]:
        """Return the present bytes of every file written since the last `settle`."""
        images = self.journal.images
        return dict(zip(self._relative(images), map(present_bytes, images), strict=True))

    def restore(self, state: dict[str, bytes | None]) -> None:
        """Go from any later state back to one that `state` returned."""
        wanted = {path: image.data for path, image in self.journal.images.items()}
        wanted |= {self.root / name: data for name, data in state.items()}
        for path, data in wanted.items():
            if data is None:
                self.journal.remove(path)
            elif data != present_bytes(path):
                self.journal.write(path, data)

    def patch(self, *, whole_run: bool = False) -> str:
        """Return what was written since the last `settle`, or ever, as one unified diff."""
        parts = []
        for path, image in self._images(whole_run=whole_run).items():
            (name,) = self._relative([path])
            old, new = _decoded(image.data), _decoded(present_bytes(path))
            parts.append(unified_diff(name, old, new))
        return "".join(parts)

    def _images(self, *, whole_run: bool) -> dict[Path, PreImage]:
        return self.journal.images | self._settled if whole_run else self.journal.images

    def _require_way_back(self, target: Path) -> None:
        """Refuse a file of the user's that neither a commit nor a snapshot would hold."""
        if target in self._images(whole_run=True):
            return
        (path,) = self._relative([target])
        if why := self.repository.why_untouchable(path):
            raise EditRefused(why)

    def _relative(self, paths: Iterable[Path]) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in paths]


def _decoded(data: bytes | None) -> str | None:
    # Not TextFile: a patch has the line ends and the byte order mark as they are.
    return None if data is None else data.decode("utf-8", errors="replace")
