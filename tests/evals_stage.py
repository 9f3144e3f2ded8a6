"""For tests of evals: a small task in Python, a tree, a grader in this machine's sandbox."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from qwenagent.evals import Arm, Check, Grader, Machine, Setup, Task, Trial
from qwenagent.evals.grading import write_files
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox import Box, Level, Policy, Sandbox

START = "def add(a, b):\n    return a - b\n"
SOLVED = "def add(a, b):\n    return a + b\n"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
PYTEST = ("python", "-P", "-m", "pytest", "-q", "-o", "pythonpath=.")
TASK = Task(
    suite="made-up",
    kind="edit",
    id="calc",
    language="python",
    level=1,
    prompt="`add` in `calc.py` has to add.\n",
    base={"calc.py": START},
    tests={"tests/test_calc.py": TEST},
    checks=(Check("tests", (*PYTEST, "tests/test_calc.py")),),
    files=("calc.py",),
    visible=False,
    oracle={"calc.py": SOLVED},
)
SETUP = Setup(arm="own")
MACHINE = Machine("Linux x86_64", "a processor", 2, 1 << 33)


def boxes(cache: Path | None = None) -> Callable[[Path], Box]:
    """What makes the box of a tree, in the best sandbox of this machine."""
    sandbox = Sandbox.find(os.environ)
    kept = cache if sandbox.level is not Level.NONE else None
    return lambda tree: Box(sandbox, Policy(tree.resolve(), cache=kept))


def make_grader(
    timeout_s: float = 60.0, cache: Path | None = None, cancel: Cancel | None = None
) -> Grader:
    return Grader(boxes(cache), os.environ, timeout_s, cancel)


def make_trial(arm: Arm, work: Path, setup: Setup = SETUP, **fields: Any) -> Trial:
    """A trial with a grader of its own; `fields` are those of `Trial`."""
    chosen = {"grader": make_grader(), "cancel": threading.Event(), **fields}
    return Trial(arm=arm, setup=replace(setup, arm=arm.name), machine=MACHINE, work=work, **chosen)


def make_tree(folder: Path, files: Mapping[str, str]) -> Path:
    """A folder whose name has a space, with files."""
    tree = folder / "my tree"
    tree.mkdir()
    write_files(tree, files)
    return tree
