"""Writes a transcript while its run goes on. Knows no reader."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from qwenagent.protocol import wire
from qwenagent.protocol.events import Record, TokenDelta
from qwenagent.transcript.holding import hold

NOTE = "transcript: "
"""Begins the note that an error carries which ended a run: its transcript's path follows."""


class TranscriptWriter:
    """A sink that appends each record as one line and flushes it.

    The `TokenDelta`s between two other events become one line per candidate, with `seq` and
    `time` of the first: so `seq` grows but has gaps, and the text being written at the moment
    of a `kill -9` is lost. The file and its folder are for the owner alone: it holds code. An
    error that leaves the context gets a `NOTE` of the path. As long as the file is open it counts
    as that of a run under way.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        self._file = os.fdopen(handle, "r+b")
        hold(self._file.fileno())
        _cut_torn_line(self._file.fileno())
        self._deltas: dict[int, list[Record]] = {}

    def __call__(self, record: Record) -> None:
        """Append one record; text that still grows is kept back until it is whole."""
        if isinstance(record.event, TokenDelta):
            self._deltas.setdefault(record.event.candidate, []).append(record)
            return
        self._write_deltas()
        self._write(record)

    def close(self) -> None:
        """Write what was kept back and close the file. A second call does nothing."""
        if not self._file.closed:
            with self._naming_the_file(), self._file:
                self._write_deltas()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is not None:
            error.add_note(f"{NOTE}{self._path}")
        try:
            self.close()
        except OSError:
            # What ended the run is more than that its last lines cannot be kept either.
            if error is None:
                raise

    def _write_deltas(self) -> None:
        deltas, self._deltas = self._deltas, {}
        for records in deltas.values():  # in the order of their first seq
            self._write(_joined(records))

    def _write(self, record: Record) -> None:
        with self._naming_the_file():
            self._file.write(wire.encode(record).encode("utf-8") + b"\n")
            self._file.flush()

    @contextmanager
    def _naming_the_file(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            error.filename = str(self._path)
            raise


def _joined(records: list[Record]) -> Record:
    events = [r.event for r in records if isinstance(r.event, TokenDelta)]
    text = "".join(event.text for event in events)
    return replace(records[0], event=replace(events[0], text=text))


def _cut_torn_line(handle: int) -> None:
    """Remove a last line without an end, so that the next record starts a line of its own."""
    size = os.fstat(handle).st_size
    if size and os.pread(handle, 1, size - 1) != b"\n":
        os.ftruncate(handle, os.pread(handle, size, 0).rfind(b"\n") + 1)
