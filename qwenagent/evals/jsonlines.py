"""Tasks from a file of JSON lines, one task a line, every file as text.

A line has `id`, `prompt`, `base` and `tests` ({path: text}), `checks` ([[name, [arguments of
pytest]]]), `editable` (paths), `visible`, `seen_tests` (arguments of pytest), `pythonpath`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from qwenagent.errors import UsageError, reason
from qwenagent.evals.names import require_once, with_safe_names
from qwenagent.evals.task import Check, Kind, Task


@dataclass(frozen=True, slots=True)
class _Line:
    id: str
    prompt: str
    base: dict[str, str]
    tests: dict[str, str]
    checks: Annotated[list[tuple[str, list[str]]], msgspec.Meta(min_length=1)]
    editable: list[str]
    visible: bool
    seen_tests: list[str]
    pythonpath: str = "."
    suite: str = ""


def read_jsonlines(path: Path, kind: Kind) -> list[Task]:
    """Read the tasks of a file.

    Raises:
        UsageError: it cannot be read, or a line is no task; the message has its number.
    """
    tasks = list(_tasks(path, kind))
    require_once(tasks, str(path))
    return tasks


def _tasks(path: Path, kind: Kind) -> Iterator[Task]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            task = _task(msgspec.json.decode(line, type=_Line), path.stem, kind)
        except msgspec.MsgspecError as error:
            raise UsageError(f"{path}, line {number}: {error}") from error
        yield with_safe_names(task, f"{path}, line {number}")


def _task(line: _Line, suite: str, kind: Kind) -> Task:
    return Task(
        suite=suite,
        kind=kind,
        id=line.id,
        language="python",
        level=0,
        prompt=line.prompt,
        base=line.base,
        tests=line.tests,
        checks=tuple(Check(name, _pytest(args, line.pythonpath)) for name, args in line.checks),
        files=tuple(line.editable),
        visible=line.visible,
        seen=_pytest(line.seen_tests, line.pythonpath) if line.seen_tests else (),
    )


def _pytest(args: list[str], pythonpath: str) -> tuple[str, ...]:
    options = ("-q", "--tb=short", "-p", "no:cacheprovider", "-o", f"pythonpath={pythonpath}")
    return ("python", "-P", "-m", "pytest", *options, *args)
