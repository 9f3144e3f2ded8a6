"""Writes lines to a stream that may lack characters or lose its reader."""

from __future__ import annotations

import io
import os
from contextlib import suppress
from typing import TextIO


class LineWriter:
    """Writes whole lines, each flushed; falls silent once the reader is gone (`| head`).

    A run is not ended by a closed pipe: the user's steps matter more than the log.
    """

    def __init__(self, stream: TextIO, *, always_utf8: bool = False) -> None:
        """`always_utf8` writes UTF-8 bytes whatever the stream's encoding, if it has bytes."""
        self._stream = stream
        self._bytes = getattr(stream, "buffer", None) if always_utf8 else None
        self._encoding = getattr(stream, "encoding", None) or "utf-8"
        self._gone = False

    def line(self, text: str = "") -> None:
        """Write one line; what the encoding lacks becomes "?"."""
        if self._gone:
            return
        try:
            self._write(text + "\n")
        except BrokenPipeError:
            self._gone = True
            _point_to_nowhere(self._stream)

    def _write(self, text: str) -> None:
        if self._bytes is not None:
            self._bytes.write(text.encode("utf-8"))
            self._bytes.flush()
            return
        self._stream.write(text.encode(self._encoding, "replace").decode(self._encoding))
        self._stream.flush()


def _point_to_nowhere(stream: TextIO) -> None:
    """Keep the interpreter from failing when it flushes the stream on its way out."""
    with suppress(OSError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
