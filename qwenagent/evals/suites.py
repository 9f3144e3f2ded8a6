"""Which tasks are meant: those that ship, or those of a file or a folder of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from qwenagent.errors import UsageError
from qwenagent.evals.exercism import practice_folder, read_exercism
from qwenagent.evals.humaneval import read_humaneval
from qwenagent.evals.jsonlines import read_jsonlines
from qwenagent.evals.shipped import shipped_tasks
from qwenagent.evals.task import Kind, Task


def load_tasks(kind: Kind, data: Path | None = None) -> list[Task]:
    """Return the tasks of a kind: the shipped ones, or those of `data`.

    `data` is a file of JSON lines, for edit also a checkout of exercism/python, and for call a
    file in the form of HumanEval.

    Raises:
        UsageError: `data` is none of them.
    """
    if data is None:
        if kind == "call":
            raise UsageError(
                "no problems for single calls ship with qwenagent",
                hint="--data HumanEval.jsonl.gz, of github.com/openai/human-eval",
            )
        return shipped_tasks(kind)
    if data.is_dir() and kind == "edit" and practice_folder(data):
        return read_exercism(data)
    if not data.is_file():
        folder = " or a checkout of exercism/python" if kind == "edit" else ""
        raise UsageError(f"--data {data} is no file of tasks{folder}")
    return read_humaneval(data) if kind == "call" else read_jsonlines(data, kind)


def select(tasks: Sequence[Task], wanted: str = "", languages: Sequence[str] = ()) -> list[Task]:
    """Return some of the tasks: a number of them, spread evenly, or those with these ids.

    `wanted` is a number, ids with commas, or nothing for all.

    Raises:
        UsageError: an id is not there, or nothing is left.
    """
    spoken = [task for task in tasks if not languages or task.language in languages]
    if not tasks:
        raise UsageError("there are no tasks to choose from")
    if not spoken:
        there = ", ".join(sorted({task.language for task in tasks}))
        raise UsageError(f"no task is in {', '.join(languages)}; the languages are {there}")
    if wanted.isdecimal() and int(wanted):
        n = min(int(wanted), len(spoken))
        return [spoken[i * len(spoken) // n] for i in range(n)]
    ids = [name.strip() for name in wanted.split(",") if name.strip()]
    by_id = {task.id: task for task in spoken}
    if unknown := [name for name in ids if name not in by_id]:
        known = ", ".join(by_id) if len(by_id) <= 40 else f"{len(by_id)} others"
        raise UsageError(f"there is no task {', '.join(unknown)}; there are {known}")
    return [by_id[name] for name in dict.fromkeys(ids)] if ids else spoken
