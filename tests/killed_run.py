"""Runs that are killed at one point, each a process of its own, with SIGKILL from within.

Started once as a program: it forks for each line that it reads, since importing takes long.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from qwenagent.checks import TestRunner
from qwenagent.engine import ScriptedEngine
from qwenagent.loop import RunOptions
from qwenagent.loop.carrier import Carrier
from qwenagent.loop.commands import CommandRunner
from qwenagent.loop.given import GivenFile
from qwenagent.loop.keeping import Keeping
from qwenagent.loop.resume import Resume
from qwenagent.loop.ticking import Ticks
from qwenagent.plan import read_plan
from qwenagent.workspace import Repository, Workspace, root
from qwenagent.workspace.journal import Journal
from qwenagent.workspace.unfinished import Unfinished
from tests.loop_stage import Stage, body

CALC = "def add(a, b):\n    return a - b\n"
HALVE = "def halve(n):\n    return n * 2\n"
MAKE = "mkdir -p out\necho made > 'out/a table.txt'\necho more >> README.md\n"
FILES = {
    "calc.py": CALC,
    "halve.py": HALVE,
    "make.sh": MAKE,
    "README.md": "# Sample\n",
    "notes.md": "notes\n",
    ".gitignore": "__pycache__/\n",
}
PLAN = """# Three

- [ ] Fix `add` in `calc.py`.
      Test: `grep -q "a + b" calc.py`
- [ ] Make the table with `sh make.sh`.
      Kind: command
- [ ] Fix `halve` in `halve.py`.
      Test:

      ```python
      import unittest

      from halve import halve


      class Halve(unittest.TestCase):
          def test_halve(self):
              self.assertEqual(halve(6), 3)
      ```
"""
ANSWERS = {1: body(CALC.replace("a - b", "a + b")), 3: body(HALVE.replace("* 2", "/ 2"))}

Owner = type | ModuleType
POINTS: dict[str, tuple[Owner, str, int, str]] = {
    "before the branch": (Repository, "start_branch", 1, "before"),
    "after the branch": (Repository, "start_branch", 1, "after"),
    "in an answer": (ScriptedEngine, "complete", 1, "before"),
    "after the pre-image": (Unfinished, "note", 1, "after"),
    "in the middle of a write": (root, "_set_time", 1, "after"),
    "after an edit": (Journal, "write", 1, "after"),
    "before the tests": (TestRunner, "run", 2, "before"),
    "before a commit": (Keeping, "keep", 1, "before"),
    "with the index written": (Repository, "_commit", 1, "before"),
    "just after a commit": (Repository, "_commit", 1, "after"),
    "before the progress": (Resume, "note", 1, "before"),
    "after the progress": (Resume, "note", 1, "after"),
    "between two steps": (Workspace, "settle", 1, "after"),
    "after a command": (CommandRunner, "_to_commit", 1, "before"),
    "just after a command's commit": (Repository, "_commit", 2, "after"),
    "after a given test": (GivenFile, "write", 1, "after"),
    "before the last commit": (Repository, "_commit", 3, "before"),
    "at the very end": (Resume, "note", 3, "after"),
}
WITH_TICKS: dict[str, tuple[Owner, str, int, str]] = {
    "with a tick in the tree": (Ticks, "tick_in_tree", 1, "after"),
    "with a tick to be written": (Ticks, "tick", 3, "before"),
}
IN_COMMAND = (Carrier, "_adopt", 1, "before")


def replies(first: int) -> list[str]:
    """Return the good answers from a step on."""
    return [answer for number, answer in ANSWERS.items() if number >= first]


def kill_at(owner: Owner, name: str, n: int, when: str) -> None:
    """Have this process killed before or after the n-th call of a method."""
    real: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == n and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = real(*args, **kwargs)
        if calls == n:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, counted)


def run_and_die(root: str, point: str, *flags: str) -> None:
    """Run the plan of a repository up to a point."""
    os.chdir(root)
    kill_at(*{**POINTS, **WITH_TICKS, "in a command": IN_COMMAND}[point])
    options = RunOptions(tick="tick" in flags, commit="no-commit" not in flags)
    Stage(Path.cwd(), replies(1)).run([read_plan(Path("plan.md"))], "plan", options)


def run_whole(root: str) -> None:
    """Run the plan of a repository to its end, for somebody else to kill."""
    os.chdir(root)
    Stage(Path.cwd(), replies(1)).run([read_plan(Path("plan.md"))], "plan", RunOptions())


def serve() -> None:
    """Do as each line says: root, point and flags as JSON; answer with the signal."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            run_and_die(*json.loads(line))
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    serve()
