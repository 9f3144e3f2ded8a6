"""Single calls in the form of HumanEval: JSON lines, gzipped or not, with a function to complete.

A line has `task_id`, `prompt` (a signature with its docstring), `test` (a function `check` that
takes the function) and `entry_point`; `canonical_solution` is the oracle.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from qwenagent.errors import UsageError, reason
from qwenagent.evals.names import require_once, with_safe_names
from qwenagent.evals.task import Check, Task

SOLUTION = "solution.py"
_TEST = "test_solution.py"
_CHECK = Check("tests", ("python", "-P", "-m", "pytest", "-q", "-o", "pythonpath=.", _TEST))


@dataclass(frozen=True, slots=True)
class _Line:
    task_id: str
    prompt: str
    test: str
    entry_point: str
    canonical_solution: str = ""


def read_humaneval(path: Path) -> list[Task]:
    """Read the problems of a file.

    Raises:
        UsageError: it cannot be read, or a line is no problem; the message has its number.
    """
    try:
        data = path.read_bytes()
        text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {reason(error)}") from error
    tasks = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            try:
                task = _task(msgspec.json.decode(line, type=_Line), path)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise UsageError(f"{path}, line {number}: {reason(error)}") from error
            tasks.append(with_safe_names(task, f"{path}, line {number}"))
    require_once(tasks, str(path))
    return tasks


def _task(line: _Line, path: Path) -> Task:
    name = line.entry_point
    # Some tests use other functions of the problem's text, too.
    test = f"from solution import *\nfrom solution import {name}\n\n{line.test}\n\n"
    test += f"def test_{name}():\n    check({name})\n"
    solution = line.prompt + line.canonical_solution
    return Task(
        suite=path.name.partition(".")[0],
        kind="call",
        id=line.task_id.replace("/", "-"),
        language="python",
        level=0,
        prompt=line.prompt,
        base={SOLUTION: line.prompt},
        tests={_TEST: test},
        checks=(_CHECK,),
        files=(SOLUTION,),
        visible=False,
        oracle={SOLUTION: solution} if line.canonical_solution else None,
    )
