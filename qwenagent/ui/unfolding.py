"""What a session told in one line, kept so that it can be shown whole: the newest first."""

from __future__ import annotations

import threading
from collections import deque

from rich.console import Console

from qwenagent.protocol.events import (
    ContextBuilt,
    EditApplied,
    Escalated,
    Record,
    TestsRan,
    ToolEnded,
    ToolStarted,
)
from qwenagent.ui.past.replay import draw_run

_N_KEPT = 100
"""Calls, tests, edits and prompts; what is older is in the transcript, for `qwenagent show`."""


class Unfolding:
    """A sink that keeps what can be unfolded. May be asked from another thread."""

    def __init__(self) -> None:
        self._kept: deque[tuple[Record, ...]] = deque(maxlen=_N_KEPT)
        self._began: tuple[Record, ...] = ()
        self._n_shown = 0
        self._lock = threading.Lock()

    def __call__(self, record: Record) -> None:
        """Keep one record, if there is more in it than a line has told."""
        match record.event:
            case ToolStarted():
                self._began = (record,)
            case ToolEnded():
                self._keep((*self._began, record))
                self._began = ()
            case TestsRan() | EditApplied() | ContextBuilt() | Escalated():
                self._keep((record,))
            case _:
                pass

    def draw(self, out: Console) -> bool:
        """Print what was told last, then what was told before it; return False at the end."""
        with self._lock:
            if self._n_shown == len(self._kept):
                return False
            self._n_shown += 1
            records = self._kept[-self._n_shown]
        draw_run(records, True, "", out)
        return True

    def _keep(self, records: tuple[Record, ...]) -> None:
        with self._lock:
            self._kept.append(records)
            self._n_shown = 0
