"""Tells the screen how a run over tasks goes on: a row for each task, and the time that is left."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from qwenagent.evals.report import interval, share
from qwenagent.evals.rows import Row
from qwenagent.evals.task import Task

COLUMNS = ("", "task", "language", "tries", "seconds", "tokens", "note")


class Progress:
    """Implements `Watcher`: keeps the state of a run, as words."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.on_row: Callable[[Row], None] = lambda _: None
        """Called with each new row."""
        self._tasks: Sequence[Task] = ()
        self._rows: list[Row] = []
        self._durations: list[float] = []
        self._now: Task | None = None
        self._clock = clock
        self._since = clock()

    def begins(self, tasks: Sequence[Task], done: Sequence[Row]) -> None:
        """See `Watcher.begins`."""
        self._tasks = tasks
        self._rows = list(done)

    def tries(self, task: Task) -> None:
        """See `Watcher.tries`."""
        self._now, self._since = task, self._clock()

    def has(self, row: Row) -> None:
        """See `Watcher.has`."""
        self._durations.append(self._clock() - self._since)
        self._rows.append(row)
        self._now = None
        self.on_row(row)

    def status(self) -> str:
        """Return the line under the table: where it is, what was passed, the time that is left."""
        n_rows, n_tasks = len(self._rows), len(self._tasks)
        parts = [f"{n_rows} of {n_tasks}"]
        if n_rows:
            passed = sum(row.passed for row in self._rows)
            parts.append(f"{share(passed, n_rows)} passed ({interval(passed, n_rows)})")
        now = self._now  # the screen asks from a thread of its own
        if now:
            parts.append(f"{now.name} for {_told(self._clock() - self._since)}")
        if self._durations and n_rows < n_tasks:
            parts.append(f"{_told(self._seconds_left())} left")
        return ", ".join(parts)

    def _seconds_left(self) -> float:
        mean = sum(self._durations) / len(self._durations)
        spent = self._clock() - self._since if self._now else 0.0
        return max(mean * (len(self._tasks) - len(self._rows)) - spent, 1.0)


def row_cells(row: Row) -> tuple[str, ...]:
    """Return the cells of `COLUMNS` for a task that is over."""
    steps = f"{sum(row.checks.values())}/{len(row.checks)}" if row.kind == "plan" else ""
    sign = "pass" if row.passed else steps or "fail"
    late = "late" if row.late else ""
    return (
        sign,
        row.name,
        row.language,
        str(row.tries),
        f"{row.seconds:.1f}",
        f"{row.completion_tokens:,}",
        "; ".join(filter(None, [late, row.note])),
    )


def _told(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
