"""The user's pager: text goes in until they have seen enough."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


@dataclass(frozen=True, slots=True)
class Page:
    """Where to write, which is a pager or the stream itself."""

    stream: TextIO
    pipe: _Pipe | None = None

    @property
    def is_left(self) -> bool:
        """Whether nobody reads any more."""
        return self.pipe is not None and self.pipe.is_broken


class _Pipe(io.RawIOBase):
    """Bytes into a pipe; what nobody takes is dropped."""

    def __init__(self, into: IO[bytes]) -> None:
        self._into = into
        self.is_broken = False

    def writable(self) -> bool:
        return True

    def write(self, data: ReadableBuffer) -> int:
        if not self.is_broken:
            try:
                return self._into.write(data)
            except BrokenPipeError:
                self.is_broken = True
        return memoryview(data).nbytes


@contextmanager
def paged(stream: TextIO) -> Iterator[Page]:
    """Give the user's `$PAGER`, else `less`; leaving waits until they have closed it.

    Where there is none, or `$PAGER` is empty or `cat`, it is `stream`. What is shorter than the
    screen `less` prints and ends.
    """
    command = _command()
    pager = _started(command, stream) if command else None
    if pager is None or pager.stdin is None:
        yield Page(stream)
        return
    pipe = _Pipe(pager.stdin)
    encoding = stream.encoding or "utf-8"
    text = io.TextIOWrapper(io.BufferedWriter(pipe), encoding, errors="replace", newline="\n")
    with _interrupts_left_to_the_pager():
        try:
            yield Page(text, pipe)
        finally:
            text.close()
            with suppress(BrokenPipeError):
                pager.stdin.close()
            pager.wait()


def _command() -> list[str]:
    try:
        command = shlex.split(os.environ.get("PAGER", "less"))
    except ValueError:  # quotes that do not match
        return []
    if not command or command[0] == "cat" or shutil.which(command[0]) is None:
        return []
    # Without -R it shows colours as text.
    return [*command, "-R"] if Path(command[0]).name == "less" else command


def _started(command: list[str], stream: TextIO) -> subprocess.Popen[bytes] | None:
    stream.flush()
    env = {"LESS": "FRX", **os.environ}  # git's own choice: end at once if one screen holds it
    try:
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=stream, bufsize=0, env=env)
    except OSError:
        return None


@contextmanager
def _interrupts_left_to_the_pager() -> Iterator[None]:
    """Ctrl-C reaches both processes, and it is the pager's: there it ends a search, say."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
