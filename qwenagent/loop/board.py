"""The lines of the closing table while they fill up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from qwenagent.protocol.events import StepLine


class Board:
    """One line a step, in the order of the run, by id."""

    def __init__(self) -> None:
        self._lines: dict[str, StepLine] = {}

    def put(self, line: StepLine) -> None:
        """Add a line, or replace the one with its id."""
        self._lines[line.id] = line

    def __getitem__(self, line_id: str) -> StepLine:
        return self._lines[line_id]

    @property
    def lines(self) -> tuple[StepLine, ...]:
        """All lines as they are now."""
        return tuple(self._lines.values())

    def skip_open(self, reason: str, ids: Iterable[str] | None = None) -> None:
        """End what was not begun, of these lines or of all."""
        for line_id in list(self._lines if ids is None else ids):
            if self._lines[line_id].state == "pending":
                self._lines[line_id] = replace(self._lines[line_id], state="skipped", reason=reason)
