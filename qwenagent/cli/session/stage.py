"""The session's terminal: its reader, what is drawn, and how work is stopped from outside."""

from __future__ import annotations

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from types import FrameType

from qwenagent.cli.codes import INTERRUPTED
from qwenagent.loop.stop import Stop
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.ui.reading import Reader
from qwenagent.ui.session_view import SessionView, Tee

_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_POLL_S = 0.1
_YES = ("y", "yes")


class Stage:
    """Everything that a person sees and types, for as long as the session lasts."""

    def __init__(self, reader: Reader, *, plain: bool) -> None:
        self.reader = reader
        self.view = SessionView(reader.out, plain=plain)
        reader.unfold_with(self.view.unfolded)
        self.is_leaving = False
        """Whether a signal has asked for the end."""
        self._stop: Stop | None = None
        self._streams = sys.__stdout__, sys.__stderr__

    @contextmanager
    def working(self, what: str) -> Iterator[Stop]:
        """Say at once that something goes on, and let Esc, Ctrl-C and signals stop it."""
        stop = self._stop = Stop()
        self.view.waiting(what)
        activity = self.view.activity if self.view.is_live else None
        try:
            with self.reader.working(lambda: stop.set("interrupted"), activity):
                yield stop
        finally:
            self._stop = None
            self.view.waiting("")

    @contextmanager
    def listening(self) -> Iterator[Tee]:
        """Remember what is printed while this lasts."""
        tee = Tee(sys.stdout)
        with redirect_stdout(tee), redirect_stderr(tee):
            yield tee

    @contextmanager
    def released(self) -> Iterator[None]:
        """Give the terminal away, with the streams that belong to it."""
        out, err = self._streams
        with self.reader.released():
            if out is None or err is None:
                yield
                return
            with redirect_stdout(out), redirect_stderr(err):
                yield

    def confirm(self, question: str) -> bool:
        """Ask on the terminal itself; True for a yes, and no if the work is stopped meanwhile."""
        with self.released(), suppress(OSError):
            return _answer(f"{question} [y/N]: ", self._stop or Stop()).strip().lower() in _YES
        return False

    @contextmanager
    def ending_by_signals(self) -> Iterator[None]:
        """Have SIGTERM and SIGHUP end the session in good order, the work under way first."""
        wanted = [n for n in _ENDING if signal.getsignal(n) is not signal.SIG_IGN]
        previous = [(n, signal.signal(n, self._leave)) for n in wanted]
        try:
            yield
        finally:
            for number, handler in previous:
                signal.signal(number, handler)

    def _leave(self, number: int, frame: FrameType | None) -> None:
        was_asked, self.is_leaving = self.is_leaving, True
        if self._stop is None or was_asked:
            raise SystemExit(INTERRUPTED)
        self._stop.set("interrupted")


class LentApprover:
    """Asks somebody else, who has the terminal while they are at it."""

    def __init__(self, stage: Stage, inner: Approver) -> None:
        self._stage = stage
        self._inner = inner

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Ask."""
        with self._stage.released():
            return self._inner.ask(request)


def _answer(question: str, stop: Stop) -> str:
    """Ask; return the line that is typed after that, empty at its end or if nobody waits any more.

    Raises:
        OSError: there is no terminal.
    """
    import termios

    handle = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    try:
        with suppress(termios.error):
            termios.tcflush(handle, termios.TCIFLUSH)  # what was typed before is no answer to this
        _write_all(handle, question)
        line = _line(handle, stop)
        if not line.endswith("\n"):
            _write_all(handle, "\n")
        return line
    finally:
        os.close(handle)


def _line(handle: int, stop: Stop) -> str:
    try:
        while not select.select([handle], [], [], _POLL_S)[0]:
            if stop.is_set():
                return ""
    except KeyboardInterrupt:
        return ""
    return os.read(handle, 4096).decode("utf-8", "replace")


def _write_all(handle: int, text: str) -> None:
    data = text.encode(sys.stdout.encoding or "utf-8", "backslashreplace")
    while data:
        data = data[os.write(handle, data) :]
