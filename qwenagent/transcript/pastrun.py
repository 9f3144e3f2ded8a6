"""What is known of a run from the first and the last line of its transcript.

The lines between them may be megabytes and are not read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from qwenagent.errors import QwenAgentError, reason
from qwenagent.protocol.events import Finished, Record, RunStarted
from qwenagent.transcript.holding import is_held
from qwenagent.transcript.versions import record_of

_BLOCK_BYTES = 64 * 1024
_MAX_LINE_BYTES = 16 * 1024 * 1024
"""The last line has the whole diff of a run."""


@dataclass(frozen=True, slots=True)
class PastRun:
    """A run as its transcript tells it, which may be one that is under way."""

    run_id: str
    path: Path
    size_bytes: int
    changed: float
    """When its last line was written, seconds since the epoch."""
    is_under_way: bool = False
    started: RunStarted | None = None
    """None if the run ended before it began, or nothing can be read."""
    start: float = 0.0
    """Seconds since the epoch; 0 if it is not known."""
    end: float = 0.0
    """Of the last record."""
    finished: Finished | None = None
    """None if it is under way, or was killed."""
    trouble: str = ""
    """Why it cannot be read; empty if it can."""

    @property
    def repository(self) -> str:
        """The folder it worked in, empty if that is not known."""
        return self.started.repository if self.started else ""

    @property
    def is_complete(self) -> bool:
        """Whether every step came to an end that needs no further run."""
        done = ("solved", "unverified", "for_you")
        return self.finished is not None and all(s.state in done for s in self.finished.steps)


def look_at(path: Path) -> PastRun:
    """Return what the two ends of a transcript tell; what cannot be read says why.

    Raises:
        FileNotFoundError: there is no such file.
    """
    state = path.stat()
    run = PastRun(path.stem, path, state.st_size, state.st_mtime)
    try:
        with path.open("rb") as file:
            run = replace(run, is_under_way=is_held(file.fileno()))
            return _with_ends(run, file)
    except FileNotFoundError:
        raise
    except OSError as error:
        return replace(run, trouble=reason(error))
    except QwenAgentError as error:
        return replace(run, trouble=error.message)


def _with_ends(run: PastRun, file: BinaryIO) -> PastRun:
    first = _record(file.readline(_MAX_LINE_BYTES))
    if first is None:
        return run
    last = _record(_last_line(file, run.size_bytes)) or first
    return replace(
        run,
        started=first.event if isinstance(first.event, RunStarted) else None,
        start=first.time,
        end=last.time,
        finished=last.event if isinstance(last.event, Finished) else None,
    )


def _record(line: bytes) -> Record | None:
    """Return None for a line that is not, or not yet, written to its end."""
    return record_of(line) if line.endswith(b"\n") else None


def _last_line(file: BinaryIO, size: int) -> bytes:
    """Return the last line that has an end, empty if it is longer than any should be."""
    tail, at = b"", size
    while at > 0 and len(tail) < _MAX_LINE_BYTES:
        n_bytes = min(_BLOCK_BYTES, at)
        at -= n_bytes
        file.seek(at)
        tail = file.read(n_bytes) + tail
        end = tail.rfind(b"\n") + 1
        start = tail.rfind(b"\n", 0, max(end - 1, 0)) + 1
        if end and (start or at == 0):
            return tail[start:end]
    return b""
