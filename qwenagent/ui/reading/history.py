"""What was sent in this repository before, in a file of JSON lines. Knows no screen.

The file is a comfort: where it cannot be read or written, the session goes on without it.
"""

from __future__ import annotations

import json
import os
import stat
from contextlib import suppress
from pathlib import Path

_MAX_ENTRIES = 1_000
_MAX_READ = 1_000_000
"""Bytes from the end of the file; what is older is forgotten."""


class HistoryFile:
    """The messages of all sessions in one file, mode 0600. A link is never followed.

    Without a path nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._last = ""

    def entries(self) -> list[str]:
        """Return the messages, oldest first; damaged lines are left out."""
        if self._path is None:
            return []
        try:
            data, whole = _tail(self._path)
        except OSError:
            return []
        found = [entry for line in data.split(b"\n") if (entry := _entry(line))][-_MAX_ENTRIES:]
        if not whole:
            _rewrite(self._path, found)
        self._last = found[-1] if found else ""
        return found

    def add(self, text: str) -> None:
        """Append a message, unless it repeats the last."""
        if self._path is None or not text or text == self._last:
            return
        self._last = text
        with suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, _flags(os.O_WRONLY | os.O_APPEND | os.O_CREAT), 0o600)
            with os.fdopen(handle, "ab") as file:
                file.write(_line(text))


def _tail(path: Path) -> tuple[bytes, bool]:
    """Return the end of the file, from the start of a line, and whether that is all of it."""
    with os.fdopen(os.open(path, _flags(os.O_RDONLY)), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(f"{path} is no file")
        if status.st_size <= _MAX_READ:
            return file.read(), True
        file.seek(status.st_size - _MAX_READ)
        return file.read().partition(b"\n")[2], False


def _rewrite(path: Path, entries: list[str]) -> None:
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        handle = os.open(fresh, _flags(os.O_WRONLY | os.O_CREAT | os.O_EXCL), 0o600)
        with os.fdopen(handle, "wb") as file:
            file.writelines(map(_line, entries))
        fresh.replace(path)


def _flags(flags: int) -> int:
    # Not there on Windows. O_NONBLOCK: to open a pipe would wait for its other end.
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC"):
        flags |= getattr(os, name, 0)
    return flags


def _line(text: str) -> bytes:
    return json.dumps(text).encode("ascii") + b"\n"


def _entry(line: bytes) -> str:
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return ""
    return value if isinstance(value, str) else ""
