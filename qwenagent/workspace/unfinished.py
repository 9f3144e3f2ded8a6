"""Pre-images on disk, for when this process does not live to put them back itself.

They lie in git's own folder, written before each edit and removed once the step is kept or
undone. What is found at a later start is from a process that was killed. If that had decided to
keep the step, the step is kept as a point; else it is put back, but only where a file is just as
that process left it: what somebody else has written since is theirs. The folder itself may be
somebody else's work: what a note says is held to the tree like any path.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from qwenagent.errors import PathEscapes, WorkspaceError, reason
from qwenagent.protocol.stored import decoded, encoded
from qwenagent.workspace.aside import put_aside
from qwenagent.workspace.history import History
from qwenagent.workspace.journal import PreImage
from qwenagent.workspace.listing import is_plain_file
from qwenagent.workspace.lock import Owner
from qwenagent.workspace.paths import confine
from qwenagent.workspace.points import About, Change, Place, Points, keep_file
from qwenagent.workspace.refs import Refs
from qwenagent.workspace.repository import Repository
from qwenagent.workspace.root import TEMPORARY, Root
from qwenagent.workspace.staging import parents

_FOLDER = "unfinished"
_COMMAND = "command"
_INTENT = "intent"
_NOTE = ".note"
_REF = "refs/qwenagent/found"
_TEMPORARY = re.compile(re.escape(TEMPORARY) + r"[a-z0-9_]{8}")  # as `tempfile` names them


@dataclass(slots=True)
class _Note:
    """One file: what it was, and everything that was about to be written to it."""

    owner: Owner
    path: str
    head: str
    """The commit of that time: a file that a later one has was kept."""
    before: bytes | None
    """None where there was no file."""
    mode: Annotated[int, Meta(ge=0, le=0o7777)]
    written: list[str] = field(default_factory=list)
    """SHA-256 of each content; "" for a removal."""
    folders: list[str] = field(default_factory=list)
    """Those that were made for it, the deepest first."""
    unit: str = ""
    """What is kept or undone together."""


@dataclass(frozen=True, slots=True)
class _Command:
    """A command that may change anything, and a commit of the tree before it."""

    owner: Owner
    shown: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class _Intent:
    """What was done is about to be kept as a point."""

    unit: str
    about: About
    place: Place


class Unfinished:
    """The pre-images of one working tree."""

    def __init__(self, repository: Repository) -> None:
        self._root = repository.root
        self._repository = repository
        self._notes: dict[Path, _Note] = {}
        self._places: set[Path] = set()
        self._head = ""
        self.unit = secrets.token_hex(8)
        """Names what is kept or undone together."""

    def note(self, path: Path, before: bytes | None, mode: int, after: bytes | None) -> None:
        """Keep what a file was before the first edit, and what it is about to become.

        Raises:
            OSError: it cannot be kept, and then the file must not be written.
        """
        if path not in self._notes:
            self._notes[path] = self._first_note(path, before, mode)
        note = self._notes[path]
        note.written.append(_digest(after))
        name = hashlib.sha256(os.fsencode(note.path)).hexdigest()[:32]
        self._write(f"{name}{_NOTE}", note)

    def command_begins(self, shown: str, snapshot: str) -> None:
        """Keep that a command runs now, and which commit has the tree as it was before.

        Raises:
            OSError: it cannot be kept.
        """
        self._write(_COMMAND, _Command(Owner.this_process(), shown, snapshot))

    def intend(self, about: About, place: Place) -> None:
        """Keep that all is about to be kept, with a commit on top of `place` if there is to be one.

        Raises:
            OSError: it cannot be kept.
        """
        if self._notes:
            self._write(_INTENT, _Intent(self.unit, about, place))

    def command_ended(self) -> None:
        """What the command has changed is noted."""
        self._remove(_folder(self._repository) / _COMMAND)

    def forget(self) -> None:
        """Remove all notes: the edits are kept, or undone.

        Those of edits whose staged copies could not be taken out of the index stay for the next
        start.
        """
        if not self._repository.holds_staged:
            for place in list(self._places):
                self._remove(place)
        self._notes.clear()
        self._head = ""
        self.unit = secrets.token_hex(8)

    def _first_note(self, path: Path, before: bytes | None, mode: int) -> _Note:
        self._head = self._head or History(self._root).head()
        name = path.relative_to(self._root).as_posix()
        made = [p.relative_to(self._root).as_posix() for p in path.parents if not p.exists()]
        owner = Owner.this_process()
        return _Note(owner, name, self._head, before, mode, folders=made, unit=self.unit)

    def _write(self, name: str, value: _Note | _Command | _Intent) -> None:
        place = _folder(self._repository) / name
        self._places.add(place)  # also one that fails: it may be there all the same
        keep_file(place, encoded(value))

    def _remove(self, place: Path) -> None:
        place.unlink(missing_ok=True)
        self._places.discard(place)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of the work of a process that was killed."""

    restored: tuple[str, ...] = ()
    """As they were before its unfinished step."""
    kept: tuple[str, ...] = ()
    """Changed by somebody else since, and left alone."""
    command: str = ""
    """The command during which it was killed."""
    snapshot: str = ""
    """A commit of the tree before that command."""
    differ: tuple[str, ...] = ()
    """Paths that are not as in the snapshot: who changed them is not known, so they are left."""
    finished: str = ""
    """The step or task that was about to be kept, and is now."""
    aside: tuple[str, ...] = ()
    """Where it lies what the kept files were before, if no commit has that."""


Done = Collection[tuple[str, str]]
"""Paths, and SHA-256 of contents that are to stay."""


def recover(repository: Repository, done: Callable[[], Done] = frozenset) -> Recovered | None:
    """Put back what a killed process left half done; None if there is nothing of the kind.

    Nothing is done while that process lives. `done` tells what an earlier run has left on purpose
    without a commit; it is asked only if there is something to put back.

    Raises:
        WorkspaceError: a file cannot be put back; its note stays.
    """
    folder = _folder(repository)
    if folder.is_symlink() or not folder.is_dir():
        return None
    notes = _read(folder, f"*{_NOTE}", _Note)
    commands = _read(folder, _COMMAND, _Command)
    owners = [*(note.owner for note in notes), *(command.owner for command in commands)]
    if any(owner.is_alive for owner in owners):
        return None
    kept_units = {point.unit for point in Points(repository.private_folder()).all()}
    notes = [note for note in notes if note.unit not in kept_units]
    found = _with_notes(repository, notes, done() if notes else ())
    intents = _read(folder, _INTENT, _Intent)
    if intents and not found.restored:
        found = _with_point(repository, found, notes, intents[0])
    if commands:
        found = _with_command(repository, found, commands[0])
    for place in filter(is_plain_file, folder.iterdir()):
        place.unlink()
    return found if found != Recovered() else None


def _with_notes(repository: Repository, notes: list[_Note], stays: Done) -> Recovered:
    restored, kept, aside = [], [], []
    folders = {name for note in notes for name in note.folders}
    # What was made goes first: a file may come back in the place of a folder, or under a name that
    # the system takes for another.
    for note in sorted(notes, key=lambda note: note.before is not None):
        match _put_back(repository, note, stays, folders):
            case True:
                restored.append(note.path)
            case False:
                kept.append(note.path)
                aside += _aside(repository, note)
    return Recovered(tuple(restored), tuple(kept), aside=tuple(aside))


def _aside(repository: Repository, note: _Note) -> list[str]:
    """Keep what a file was before that is somebody else's now, unless a commit has that."""
    try:
        confine(repository.root, note.path)
        committed = History(repository.root).content("HEAD", note.path)
        if note.before is None or note.before == committed:
            return []
        return [put_aside(repository.root, note.path, note.before)]
    except PathEscapes:
        return []
    except OSError as error:
        raise WorkspaceError(
            f"an earlier run was killed, and what {note.path} was before cannot be kept: "
            f"{reason(error)}",
            hint="free some disk space and start again; nothing of it was touched",
        ) from error


def _with_point(
    repository: Repository, found: Recovered, notes: Sequence[_Note], intent: _Intent
) -> Recovered:
    """Keep as a point what a killed process has committed, or left on purpose, without it."""
    root, refs = Root(repository.root), Refs(repository.root)
    ours = [note for note in notes if note.unit == intent.unit and note.path not in found.kept]
    changes = []
    for note in ours:
        changes.append(Change(note.path, PreImage(note.before, note.mode), _now(root, note)))
    changes = [change for change in changes if change.before != change.after]
    if not changes:
        return found
    head = refs.place().head
    commit = head if refs.parent(head) == intent.place.head else ""
    folders = tuple(dict.fromkeys(name for note in ours for name in note.folders))
    points = Points(repository.private_folder())
    points.add(intent.unit, intent.about, intent.place, commit, changes, folders)
    return replace(found, finished=intent.about.title)


def _now(root: Root, note: _Note) -> PreImage:
    try:
        stored = root.load(note.path)
    except (OSError, PathEscapes):
        return PreImage(None, note.mode)
    return PreImage(stored.data, stat.S_IMODE(stored.status.st_mode))


def _with_command(repository: Repository, found: Recovered, command: _Command) -> Recovered:
    history = History(repository.root)
    if not history.contains(command.snapshot, command.snapshot):  # it is gone
        return found
    now = repository.snapshot(_REF, f"found after `{command.shown}` was killed")
    differ = tuple(p for p in history.changed(command.snapshot, now) if p not in found.kept)
    if not differ:
        return found
    return replace(found, command=command.shown, snapshot=command.snapshot, differ=differ)


def _put_back(
    repository: Repository, note: _Note, done: Done, folders: Collection[str]
) -> bool | None:
    """Return whether the file was put back, None if there was nothing to put back."""
    root = Root(repository.root)
    try:
        path = confine(repository.root, note.path)
        _remove_temporary(path.parent)
        now, mode = _present(root, note)
    except (PathEscapes, OSError):  # somebody has put a link there, say
        return False
    before = note.before
    if (note.path, _digest(now)) in done:
        return None
    if History(repository.root).head() != note.head and _is_committed(repository, note, now):
        return None  # killed just after the commit
    ours = _digest(now) in note.written
    # A command may have changed nothing but that it can be run.
    is_before = now == before and (now is None or not (mode ^ note.mode) & 0o100 or not ours)
    if not is_before and ours:
        _write_back(root, before, note, folders)
    if is_before or ours:
        _unstage(repository, note)
    return None if is_before else ours


def _present(root: Root, note: _Note) -> tuple[bytes | None, int]:
    """Return what a file holds now, None if there is none, and its mode."""
    try:
        stored = root.load(note.path)
    except (FileNotFoundError, NotADirectoryError):
        return None, note.mode
    return stored.data, stat.S_IMODE(stored.status.st_mode)


def _is_committed(repository: Repository, note: _Note, now: bytes | None) -> bool:
    if now is not None:
        return repository.is_as_committed(note.path)
    return repository.has(note.head, note.path) and not repository.has("HEAD", note.path)


def _write_back(root: Root, before: bytes | None, note: _Note, folders: Collection[str]) -> None:
    try:
        if before is None:
            root.remove(note.path)
            for name in reversed(parents(note.path)):
                if name in folders and not root.remove_folder(name):
                    return  # somebody has put something there
        else:
            root.make_folders(note.path, [])
            root.replace(note.path, before, note.mode & 0o777)
    except OSError as error:
        raise WorkspaceError(
            f"an earlier run was killed, and {note.path} cannot be put back: {reason(error)}",
            hint="make it writable and start again; nothing else was touched",
        ) from error


def _unstage(repository: Repository, note: _Note) -> None:
    """Take out of the index what was put there for a commit that was not made."""
    staged = repository.staged(note.path)
    if staged is not None and _digest(staged) in note.written:
        repository.unstage(note.path)


def _remove_temporary(folder: Path) -> None:
    """Remove what is left of a write that was cut short."""
    for path in folder.glob(f"{TEMPORARY}*"):
        if _TEMPORARY.fullmatch(path.name) and path.is_file():
            path.unlink(missing_ok=True)


_T = TypeVar("_T", _Note, _Command, _Intent)


def _read(folder: Path, pattern: str, kind: type[_T]) -> list[_T]:
    found = []
    for place in filter(is_plain_file, sorted(folder.glob(pattern))):
        try:
            found.append(decoded(place.read_bytes(), kind))
        except (OSError, msgspec.MsgspecError):  # torn by a power failure: its file is as it was
            continue
    return found


def _folder(repository: Repository) -> Path:
    return repository.private_folder() / _FOLDER


def _digest(data: bytes | None) -> str:
    return "" if data is None else hashlib.sha256(data).hexdigest()
