"""What a stream of our own says about the one below it."""

from __future__ import annotations

import io
from typing import TextIO


class LowerStream(io.RawIOBase):
    """Answers for the stream below: whether it is a terminal, and its descriptor, for its size.

    Nothing is written to it: the stream above, an `io.TextIOWrapper`, passes its text on itself.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._stream = stream

    def writable(self) -> bool:
        """Yes."""
        return True

    def isatty(self) -> bool:
        """Return whether the stream below is a terminal."""
        return self._stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor of the stream below."""
        return self._stream.fileno()
