"""The screen of a session: events above the prompt, what goes on just above it."""

from __future__ import annotations

import io
from typing import TextIO

from qwenagent.protocol.events import Record
from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.lower_stream import LowerStream
from qwenagent.ui.plain import PlainView


class SessionView:
    """A sink that draws on a session's stream, and what its prompt shows of the work."""

    def __init__(self, out: TextIO, *, plain: bool) -> None:
        self.out = out
        self.is_live = is_capable(out) and not plain
        if self.is_live:
            from qwenagent.ui.live import LiveView
            from qwenagent.ui.unfolding import Unfolding

            # Never entered: the prompt redraws, not this.
            self._live = LiveView(console(out))
            self._pen = console(out)
            self._unfolding = Unfolding()
            self._draw = self._live.__call__
        else:
            self._draw = PlainView(out).__call__

    def __call__(self, record: Record) -> None:
        """Draw one record."""
        self._draw(record)
        if self.is_live:
            self._unfolding(record)

    def waiting(self, what: str) -> None:
        """Say what is going on where no event says it; empty: nothing is."""
        if self.is_live:
            self._live.waiting(what)

    def space(self) -> None:
        """Leave a line free before the next message, where that is no log."""
        if self.is_live:
            print(file=self.out)

    def activity(self, width: int) -> str:
        """Return the lines for what is going on. From any thread."""
        if not self.is_live:
            return ""
        with self._pen.capture() as capture:
            self._pen.print(self._live.below(), width=width)
        drawn = capture.get()
        return drawn if drawn.strip() else ""

    def unfolded(self, width: int) -> str:
        """Return whole what was told in a line, the newest first; empty at the end."""
        if not self.is_live:
            return ""
        with self._pen.capture() as capture:
            self._pen.width = width
            self._unfolding.draw(self._pen)
        return capture.get()


class Tee(io.TextIOWrapper):
    """Passes on what commands print, and remembers it without colours."""

    def __init__(self, stream: TextIO) -> None:
        below = io.BufferedWriter(LowerStream(stream))
        super().__init__(below, encoding=stream.encoding or "utf-8", newline="")
        self._stream = stream
        self._parts: list[str] = []

    @property
    def said(self) -> str:
        """Return what was printed."""
        from qwenagent.ui.printable import printable

        return printable("".join(self._parts))

    def write(self, text: str, /) -> int:
        """Pass text on."""
        self._stream.write(text)
        self._parts.append(text)
        return len(text)

    def flush(self) -> None:
        """Pass everything on."""
        self._stream.flush()
