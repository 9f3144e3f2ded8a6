"""Tasks from a checkout of exercism/python, under the protocol of Aider's code editing benchmark.

Each practice exercise is one task: its stub and instructions, tests hidden, two tries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec

from qwenagent.errors import UsageError, reason
from qwenagent.evals.names import with_safe_names
from qwenagent.evals.task import Check, Task

_PRACTICE = Path("exercises") / "practice"
_INSTRUCTIONS = ("introduction.md", "instructions.md", "instructions.append.md")
_PYTEST = ("python", "-P", "-m", "pytest", "-q", "--tb=short", "-o", "pythonpath=.")


@dataclass(frozen=True, slots=True)
class _Files:
    solution: tuple[str, ...]
    test: tuple[str, ...]
    example: tuple[str, ...] = ()
    editor: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Config:
    files: _Files


def practice_folder(folder: Path) -> Path | None:
    """Return the folder of the exercises below a checkout, or None if it is none."""
    places = (folder / _PRACTICE, folder)
    return next((p for p in places if any(p.glob("*/.meta/config.json"))), None)


def read_exercism(folder: Path) -> list[Task]:
    """Read all practice exercises of a checkout, by name.

    Raises:
        UsageError: it is no such checkout, or an exercise of it cannot be read.
    """
    practice = practice_folder(folder)
    if practice is None:
        raise UsageError(
            f"{folder} is no checkout of exercism/python: {_PRACTICE}/*/.meta/config.json is "
            "not there",
            hint="git clone https://github.com/exercism/python",
        )
    return list(_tasks(practice))


def _tasks(practice: Path) -> Iterator[Task]:
    for config in sorted(practice.glob("*/.meta/config.json")):
        exercise = config.parent.parent
        try:
            files = msgspec.json.decode(config.read_bytes(), type=_Config).files
            task = _task(exercise, files)
        except (OSError, ValueError, msgspec.MsgspecError) as error:
            raise UsageError(f"{exercise}: {reason(error)}") from error
        yield with_safe_names(task, str(exercise))


def _task(exercise: Path, files: _Files) -> Task:
    docs = [exercise / ".docs" / name for name in _INSTRUCTIONS]
    prompt = "\n\n".join(_text(path).strip() for path in docs if path.is_file())
    names = ", ".join(f"`{name}`" for name in files.solution)
    given = {name: _text(exercise / name) for name in (*files.solution, *files.editor)}
    examples = [_text(exercise / name) for name in files.example]
    return Task(
        suite="exercism-python",
        kind="edit",
        id=exercise.name,
        language="python",
        level=0,
        prompt=f"{prompt}\n\nChange the code in {names}. Keep the names of functions and classes: "
        "other code uses them. Use only the standard library.\n",
        base=given,
        tests={name: _text(exercise / name) for name in files.test},
        checks=(Check("tests", (*_PYTEST, *files.test)),),
        files=files.solution,
        visible=False,
        oracle=dict(zip(files.solution, examples, strict=False)) or None,
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")
