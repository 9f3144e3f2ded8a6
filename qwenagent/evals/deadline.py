"""A cancel that sets itself after some seconds, or when another one is set."""

from __future__ import annotations

import time

from qwenagent.protocol.messages import Cancel


class Deadline:
    """Implements `Cancel`."""

    def __init__(self, limit_s: float, cancel: Cancel) -> None:
        self._end = time.monotonic() + limit_s
        self._cancel = cancel

    @property
    def is_over(self) -> bool:
        """True once the seconds have passed."""
        return time.monotonic() >= self._end

    def is_set(self) -> bool:
        """See `Cancel.is_set`."""
        return self.is_over or self._cancel.is_set()
