"""Pre-images on disk, for when this process does not live to put them back itself.

They lie in git's own folder, written before each edit and removed once the edits are kept or
undone. What is found at a later start is from a process that was killed; it is put back only where
a file is just as that process left it: what somebody else has written since is theirs.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from qwenagent.workspace.journal import present_bytes, replace_file
from qwenagent.workspace.paths import confine
from qwenagent.workspace.repository import Repository

_FOLDER = "unfinished"


@dataclass(slots=True)
class _Note:
    """One file: what it was, and everything that was about to be written to it."""

    path: str
    pid: int
    started: float
    """When the process began, which tells it from a later one with its number."""
    before: str | None
    """Base64; None where there was no file."""
    mode: int
    written: list[str] = field(default_factory=list)
    """SHA-256 of each content; "" for a removal."""


class Unfinished:
    """The pre-images of one working tree."""

    def __init__(self, repository: Repository) -> None:
        self._root = repository.root
        self._repository = repository
        self._notes: dict[Path, _Note] = {}

    def note(self, path: Path, before: bytes | None, mode: int, after: bytes | None) -> None:
        """Keep what a file was before the first edit, and what it is about to become.

        Raises:
            OSError: it cannot be kept, and then the file must not be written.
        """
        note = self._notes.get(path)
        if note is None:
            name = path.relative_to(self._root).as_posix()
            data = None if before is None else base64.b64encode(before).decode()
            note = self._notes[path] = _Note(name, os.getpid(), _started(os.getpid()), data, mode)
        note.written.append(_digest(after))
        folder = self._repository.private_folder() / _FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        place = folder / hashlib.sha256(os.fsencode(note.path)).hexdigest()[:32]
        fresh = place.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(note))
        fresh.replace(place)

    def forget(self) -> None:
        """Remove all notes: the edits are kept, or undone."""
        if self._notes:
            self._notes.clear()
            shutil.rmtree(self._repository.private_folder() / _FOLDER, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the edits of a process that was killed."""

    restored: tuple[str, ...]
    """As they were before."""
    kept: tuple[str, ...]
    """Changed by somebody else since, and left alone."""


def recover(repository: Repository) -> Recovered:
    """Put back what a killed process left half done. Nothing is done while that process lives."""
    root = repository.root
    folder = repository.private_folder() / _FOLDER
    restored: list[str] = []
    kept: list[str] = []
    if folder.is_symlink() or not folder.is_dir():
        return Recovered((), ())
    for place in sorted(folder.iterdir()):
        try:
            note = msgspec.json.decode(place.read_bytes(), type=_Note)
        except (OSError, msgspec.MsgspecError):  # torn: its file was not written yet
            continue
        if _started(note.pid) == note.started:
            return Recovered((), ())
        if repository.is_as_committed(note.path):  # it was killed just after the commit
            continue
        (restored if _put_back(root, note) else kept).append(note.path)
    shutil.rmtree(folder, ignore_errors=True)
    return Recovered(tuple(restored), tuple(kept))


def _put_back(root: Path, note: _Note) -> bool:
    path = confine(root, note.path)
    now = present_bytes(path)
    before = None if note.before is None else base64.b64decode(note.before)
    if now == before:
        return True
    if _digest(now) not in note.written:
        return False
    if before is None:
        path.unlink(missing_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        replace_file(path, before, note.mode)
    return True


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()


def _started(pid: int) -> float:
    """Return when a process began, 0 if there is none."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
