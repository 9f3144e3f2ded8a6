"""Which names a task of somebody else's may have: it becomes folders and files of this machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from qwenagent.errors import UsageError
from qwenagent.evals.task import Task

_MAX_ID = 200
"""Characters: it becomes a part of a folder's name."""


def with_safe_names(task: Task, place: str) -> Task:
    """Return the task; `place` is where it was read, for the message.

    Raises:
        UsageError: its id cannot be part of a folder's name, a file of it is not in the
            repository (outside of the folder, or git's own), or two checks have one name.
    """
    if not task.id or len(task.id) > _MAX_ID or "/" in task.id or not task.id.isprintable():
        raise UsageError(f"{place}: {task.id!r:.80} cannot be the id of a task")
    for name in (*task.base, *task.tests, *task.files):
        if not _is_inside(name):
            raise UsageError(f"{place}: {name!r:.80} is no path of a file in a repository")
    if twice := _twice(check.name for check in task.checks):
        raise UsageError(
            f"{place}: task {task.id} has more than one check named {', '.join(twice)};"
            " give each a name of its own"
        )
    return task


def require_once(tasks: Sequence[Task], place: str) -> None:
    """Refuse two tasks of one id, whose rows could not be told apart.

    Raises:
        UsageError: there are some.
    """
    if twice := _twice(task.id for task in tasks):
        raise UsageError(f"{place}: {', '.join(twice)} is there more than once")


def _twice(names: Iterable[str]) -> list[str]:
    return sorted(name for name, n in Counter(names).items() if n > 1)


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    parts = {part.lower() for part in path.parts}
    is_odd = not parts or path.is_absolute() or "\0" in name or name.endswith("/")
    return not is_odd and not parts & {"..", ".git"}
