"""Which run an event belongs to, where a session has runs within: the views draw them shorter."""

from __future__ import annotations

from qwenagent.protocol.events import RunKind, RunStarted


class Framing:
    """Follows the beginnings and ends of runs."""

    def __init__(self) -> None:
        self._open: list[RunKind] = []

    def started(self, event: RunStarted) -> None:
        """Take note of a beginning."""
        self._open.append(event.kind)

    def finished(self) -> None:
        """Take note of an end."""
        if self._open:
            self._open.pop()

    @property
    def is_within(self) -> bool:
        """Whether the run that began last is one of a session."""
        return len(self._open) > 1

    @property
    def is_task_within(self) -> bool:
        """Whether it is a task, asked for in a conversation."""
        return self.is_within and self._open[-1] == "task"

    @property
    def is_session_end(self) -> bool:
        """Whether an end that comes now is that of a session."""
        return self._open == ["session"]
