"""Tells an Enter that was typed from one in a paste, for terminals that do not mark pastes."""

from __future__ import annotations

import time
from collections.abc import Callable

_MAX_AHEAD = 40
"""Keys; so many may have been typed after an Enter while a busy machine did not read."""
_STILL_S = 0.1
"""A long paste comes in several reads; so much silence ends it."""


class Bursts:
    """Remembers when the last pasted Enter came."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._last = float("-inf")

    def is_pasted(self, n_behind: int) -> bool:
        """Return whether an Enter belongs to a paste; `n_behind` keys came with it, after it.

        What follows such an Enter at once is pasted too. A few lines that are pasted into a
        terminal that does not mark them cannot be told from typing.
        """
        now = self._clock()
        pasted = n_behind > _MAX_AHEAD or now - self._last < _STILL_S
        if pasted:
            self._last = now
        return pasted
