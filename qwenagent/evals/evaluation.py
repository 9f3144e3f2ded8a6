"""A run over tasks: what is done already is not done again, and one goes at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qwenagent.errors import QwenAgentError
from qwenagent.evals.grading import missing_tool
from qwenagent.evals.rows import Row, append_row, read_rows, row_key
from qwenagent.evals.task import Task
from qwenagent.evals.trial import Interrupted, Trial

_LOCK_POLL_S = 0.5


class Watcher(Protocol):
    """Is told how a run goes on."""

    def begins(self, tasks: Sequence[Task], done: Sequence[Row]) -> None:
        """The tasks of the run, in order, and the rows that are there already."""
        ...

    def tries(self, task: Task) -> None:
        """A task is begun."""
        ...

    def has(self, row: Row) -> None:
        """A task is over."""
        ...


@dataclass(frozen=True, slots=True)
class Chosen:
    """The tasks that can be tried here."""

    tasks: tuple[Task, ...]
    left_out: dict[str, str]
    """Names of the others, and the program that this machine lacks."""


def choose(tasks: Sequence[Task], environ: dict[str, str]) -> Chosen:
    """Leave out tasks whose tests cannot run on this machine."""
    missing = {task.name: tool for task in tasks if (tool := missing_tool(task, environ))}
    return Chosen(tuple(task for task in tasks if task.name not in missing), missing)


def rows_so_far(tasks: Sequence[Task], trial: Trial, out: Path) -> dict[str, Row]:
    """Return the rows of `out` that answer one of the tasks as `trial` would, by task."""
    known = {row.key: row for row in read_rows(out)} if out.exists() else {}
    found = {task.name: known.get(row_key(task, trial.setup)) for task in tasks}
    return {name: row for name, row in found.items() if row}


def evaluate(tasks: Sequence[Task], trial: Trial, out: Path, watcher: Watcher) -> list[Row]:
    """Try each task that has no row in `out` yet, add its row there, and return all rows.

    They come in the order of the tasks. If the run is stopped, those that are there come back.

    Raises:
        QwenAgentError: no task can be tried so.
    """
    rows = rows_so_far(tasks, trial, out)
    watcher.begins(tasks, list(rows.values()))
    for task in tasks:
        if task.name in rows or trial.cancel.is_set():
            continue
        watcher.tries(task)
        try:
            row = trial.run(task)
        except Interrupted:
            break
        append_row(out, row)
        rows[task.name] = row
        watcher.has(row)
    return [rows[task.name] for task in tasks if task.name in rows]


@contextmanager
def one_at_a_time(lock: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold a lock of this machine: two models at once are many times slower, and figures lie.

    `waiting` is called once if somebody else holds it.

    Raises:
        QwenAgentError: the lock cannot be made.
    """
    from filelock import FileLock, Timeout

    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise QwenAgentError(f"{lock.parent} cannot be made: {error.strerror}") from error
    held = FileLock(lock, poll_interval=_LOCK_POLL_S)
    try:
        held.acquire(timeout=0)
    except Timeout:
        waiting()
        held.acquire()
    try:
        yield
    finally:
        held.release()
