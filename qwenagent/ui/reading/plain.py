"""Reads plain lines: for dumb terminals, screen readers and pipes. Draws and redraws nothing."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Self, TextIO

from qwenagent.ui.lines import LineWriter
from qwenagent.ui.reading.ctrlc import hear_ctrl_c
from qwenagent.ui.reading.line import Answer, Eof, Interrupted, Line, cleaned
from qwenagent.ui.reading.shown import Lines
from qwenagent.ui.reading.toolbar import Status

_PROMPT, _MORE = "> ", ". "


class PlainReader:
    """Asks with "> " and, after a line that ends with a backslash, with ". " for its next line.

    What is typed while work is going on waits in the terminal. Must be used in the main thread,
    where Ctrl-C arrives.
    """

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:
        self._stdin = stdin
        self._stdout = stdout
        self._asked_to_leave = False
        self._give_back: Callable[[], None] = lambda: None

    @property
    def out(self) -> TextIO:
        """Return the stream itself: there is no prompt to keep clear of."""
        return self._stdout

    @property
    def queued(self) -> tuple[str, ...]:
        """Return nothing: what waits in the terminal cannot be seen."""
        return ()

    def __enter__(self) -> Self:
        for stream in (self._stdin, self._stdout):
            reconfigure = getattr(stream, "reconfigure", None)
            if reconfigure is not None:
                reconfigure(errors="replace")
        self._give_back = hear_ctrl_c(self._stdin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back()

    def read(self) -> Answer:
        """Return the next line that says something; Ctrl-C drops what was begun."""
        while True:
            try:
                text = self._message()
            except KeyboardInterrupt:
                if self._asked_to_leave:
                    LineWriter(self._stdout).line()
                    return Interrupted()
                self._asked_to_leave = True
                continue
            self._asked_to_leave = False
            if text is None:
                LineWriter(self._stdout).line()
                return Eof()
            if text.strip():
                return Line(text, text)

    @contextmanager
    def working(
        self, interrupt: Callable[[], None], activity: Lines | None = None
    ) -> Iterator[None]:
        """Call `interrupt` at Ctrl-C; a second one is a KeyboardInterrupt. Shows no activity."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        previous = signal.getsignal(signal.SIGINT)

        def stop(number: int, frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, signal.default_int_handler)
            interrupt()

        signal.signal(signal.SIGINT, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, previous)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Do nothing: nobody has the terminal."""
        yield

    def show(self, status: Status) -> None:
        """Do nothing: there is no status line."""

    def unfold_with(self, unfold: Lines) -> None:
        """Do nothing: a log has no keys."""

    def _message(self) -> str | None:
        """Return a message of one or more lines, None at the end of input."""
        lines: list[str] = []
        if self._asked_to_leave:
            self._say("\nCtrl-C again ends the session\n")
        while True:
            self._say(_MORE if lines else _PROMPT)
            raw = self._stdin.readline()
            if not raw:
                return "\n".join(lines) if lines else None
            line = cleaned(raw).removesuffix("\n")
            if not line.endswith("\\"):
                return "\n".join([*lines, line])
            lines.append(line[:-1])

    def _say(self, text: str) -> None:
        self._stdout.write(text)
        self._stdout.flush()
