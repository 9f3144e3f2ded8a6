"""A small project with tests, and the tests of a run over it: what they say is kept."""

from __future__ import annotations

import os
from pathlib import Path

from qwenagent.checks import TestRunner, parse_command
from qwenagent.loop import Stop
from qwenagent.loop.evidence.judging import Judge
from qwenagent.loop.evidence.testing import Tests
from qwenagent.plan import parse_plan
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import EventStream, Record, TestsStarted, Warned
from qwenagent.workspace import Edit, Repository, Workspace
from tests.loop_stage import MODULE, TEST, make_repository

SUITE = "python3 -m unittest -v"
OWN = "python3 -m unittest -v test_calc"
ADD, ZERO = "test_calc.Add.test_add", "test_calc.Add.test_zero"
OTHER = (
    "import unittest\n\nimport calc\n\n\nclass Twice(unittest.TestCase):\n"
    "    def test_twice(self):\n        self.assertEqual(calc.twice(0), 0)\n"
)
APART = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_one(self):\n        pass\n"
SCRIPT = "import pathlib, sys\n"


def small_project(folder: Path) -> Workspace:
    """Make the project, a repository, in a folder."""
    files = {
        "calc.py": MODULE,
        "test_calc.py": TEST,
        "test_other.py": OTHER,
        "test_apart.py": APART,
        ".gitignore": "__pycache__/\n",
    }
    return Workspace(Repository.open(make_repository(folder / "my repo", files)))


class Told:
    """Tests of a tree and everything that they told."""

    def __init__(
        self, tree: Workspace, suite: str = "", *, timeout_s: float = 0, slow_s: float = 60
    ) -> None:
        self.tree = tree
        self.records: list[Record] = []
        self.tests = Tests(
            TestRunner(tree.root, os.environ),
            EventStream("run", (self.records.append,)),
            Stop(),
            timeout_s,
            tree=tree,
            slow_s=slow_s,
        )
        self.tests.suite = command(suite) if suite else None
        self.tests.measure_baseline()

    @property
    def baseline(self) -> TestRun:
        assert self.tests.baseline is not None
        return self.tests.baseline

    @property
    def warned(self) -> list[str]:
        return [r.event.message for r in self.records if isinstance(r.event, Warned)]

    @property
    def hints(self) -> list[str]:
        return [r.event.hint for r in self.records if isinstance(r.event, Warned)]

    @property
    def ran(self) -> list[str]:
        return [r.event.command for r in self.records if isinstance(r.event, TestsStarted)]

    def judge(self, text: str, own: str = "") -> Judge:
        [step] = parse_plan(f"- [ ] {text}\n").steps
        return Judge(step, command(own) if own else None, self.tests, self.tree)


def command(text: str) -> TestCommand:
    return parse_command(text, "step")


def edit(tree: Workspace, text: str, name: str = "calc.py") -> None:
    tree.apply(Edit(name, tree.text(name), text))


def script(tree: Workspace, text: str, name: str = "check.py") -> str:
    """Write a script of the project's and return the command that runs it."""
    (tree.root / name).write_text(SCRIPT + text, encoding="utf-8")
    return f"python3 {name}"
