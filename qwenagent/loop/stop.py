"""The one flag that ends a run early, and why it was set."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Stopped(Exception):
    """The run has to end now. Not an error; caught by the agent alone."""


class Stop:
    """Set by Ctrl-C or by a deadline; looked at between tokens and while tests run."""

    def __init__(
        self, limit_s: float | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._event = threading.Event()
        self._clock = clock
        self._deadline = clock() + limit_s if limit_s else None
        self._limit_s = limit_s
        self.reason = ""

    def set(self, reason: str) -> None:
        """Ask for the end; the first reason stays."""
        self.reason = self.reason or reason
        self._event.set()

    def is_set(self) -> bool:
        """Return whether the run has to end."""
        if self._deadline is not None and self._clock() > self._deadline:
            self.set(f"the time limit of {self._limit_s:g} s was reached")
        return self._event.is_set()

    @property
    def interrupted(self) -> bool:
        """True if a person asked for it, False for a deadline."""
        return self._event.is_set() and self.reason == "interrupted"

    def check(self) -> None:
        """Raise Stopped if the run has to end."""
        if self.is_set():
            raise Stopped(self.reason)
