"""The messages that were sent and not taken yet: the prompt's thread puts, the session takes."""

from __future__ import annotations

import threading
from collections import deque

from qwenagent.ui.reading.line import Answer, Eof, Interrupted, Line


class Inbox:
    """A queue of lines with an end. Safe from any thread."""

    def __init__(self) -> None:
        self._lines: deque[Line] = deque()
        self._end: Eof | Interrupted | BaseException | None = None
        self._n_waiting = 0
        self._changed = threading.Condition()

    def put(self, text: str, shown: str) -> None:
        """Add a message."""
        with self._changed:
            self._lines.append(Line(text, shown, queued=not self._n_waiting))
            self._changed.notify()

    def take(self) -> Answer:
        """Wait for the next message or the end; the end is told again to whoever asks again.

        Raises:
            BaseException: what ended the prompt, if it did not end as it should.
        """
        with self._changed:
            self._n_waiting += 1
            try:
                self._changed.wait_for(lambda: self._lines or self._end is not None)
            finally:
                self._n_waiting -= 1
            if self._lines:
                return self._lines.popleft()
            if isinstance(self._end, BaseException):
                raise self._end
            return self._end or Eof()

    def end(self, end: Eof | Interrupted | BaseException) -> None:
        """Say that nothing comes any more. Only the first end counts."""
        with self._changed:
            self._end = self._end or end
            self._changed.notify_all()

    def withdraw(self) -> Line | None:
        """Take back the message that was sent last, if nobody has taken it."""
        with self._changed:
            return self._lines.pop() if self._lines else None

    @property
    def queued(self) -> tuple[Line, ...]:
        """Return what waits; nothing while somebody is about to take it."""
        with self._changed:
            return () if self._n_waiting else tuple(self._lines)
