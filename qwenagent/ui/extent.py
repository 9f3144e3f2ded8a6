"""How much of what came from outside is drawn, and for whom."""

from __future__ import annotations

import sys
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Extent:
    """Limits of the terminal view; what is beyond them is counted there."""

    n_failures: int = 3
    n_failure_lines: int = 12
    n_diff_lines: int = 200
    is_past: bool = False
    """The run is over: no bell rings, and questions that were answered are shown again."""


LIVE = Extent()
PAST = Extent(is_past=True)
WHOLE = Extent(sys.maxsize, sys.maxsize, sys.maxsize, is_past=True)
