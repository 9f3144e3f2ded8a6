"""Hands the records on as JSON lines, for other programs."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TextIO

from qwenagent.protocol import wire
from qwenagent.protocol.events import Record
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.printable import json_line


class JsonlView:
    """A sink that writes each record as one flushed line of UTF-8, `TokenDelta` included."""

    def __init__(self, stream: TextIO) -> None:
        self._out = LineWriter(stream, always_utf8=True)

    def __call__(self, record: Record) -> None:
        """Write one record."""
        self._out.line(json_line(wire.encode(record)))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return None
