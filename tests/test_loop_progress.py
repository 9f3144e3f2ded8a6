"""How far a red test gets: lines before the one that fails, as real runners tell of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, parse_command
from qwenagent.loop.evidence.progress import FEW, lines_passed
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import COMMAND, MODULE, TEST, make_repository
from tests.needs import needs

PYTEST = """import pytest

from calc import add


@pytest.fixture
def two():
    return 2


def check(value):
    assert value == 5


def test_add(two):
    assert add(two, 0) == 2
    total = add(two, 3)
    check(total)
    assert add(0, 0) == 0
"""
NODE = """const test = require("node:test");
const assert = require("node:assert");
const { add } = require("../calc.js");

test("adds", () => {
  assert.strictEqual(add(2, 0), 2);
  assert.strictEqual(add(2, 3), 5);
});
"""


def measured(root: Path, command: str) -> TestRun:
    return TestRunner(root, os.environ).run(parse_command(command, "step"), timeout_s=60)


@pytest.mark.parametrize(
    ("code", "n_lines"),
    [
        ("def add(a, b):\n    return a - b\n", 3),
        ("def add(a, b):\n    return a * b\n", 1),
        ("def add(a, b):\n    raise ValueError(a)\n", 1),
        ("def plus(a, b):\n    return a + b\n", 0),
        ("def add(a, b):\n    return a + b\n", 0),
    ],
    ids=["in what it calls", "at once", "in the program", "not loaded", "green"],
)
def test_pytest_tells_how_far_a_test_got(code, n_lines, tmp_path):
    root = make_repository(tmp_path / "my repo", {"calc.py": code, "test_calc.py": PYTEST})
    run = measured(root, "python3 -m pytest -q test_calc.py")
    assert lines_passed(run, Workspace(Repository.open(root))) == n_lines


def test_unittest_tells_how_far_a_test_got(tmp_path):
    code = TEST.replace("add(2, 3), 5)", "add(2, 0), 2)\n        self.assertEqual(add(2, 3), 5)")
    root = make_repository(tmp_path / "r", {"calc.py": MODULE, "test_calc.py": code})
    run = measured(root, COMMAND)
    assert lines_passed(run, Workspace(Repository.open(root))) == 2


@needs("node")
def test_node_tells_how_far_a_test_got(tmp_path):
    files = {
        "package.json": "{}\n",
        "calc.js": "exports.add = (a, b) => a - b;\n",
        "test/calc.test.js": NODE,
    }
    root = make_repository(tmp_path / "r", files)
    run = measured(root, "node --test test/calc.test.js")
    assert lines_passed(run, Workspace(Repository.open(root))) == 2


def test_of_several_red_tests_all_lines_count_and_of_many_none(tmp_path):
    names = [f"test_{n}" for n in range(FEW + 1)]
    text = "\n".join(f"def {name}():\n    x = 1\n    assert x == 2\n" for name in names)
    root = make_repository(tmp_path / "r", {"test_a.py": text})
    tree = Workspace(Repository.open(root))
    assert lines_passed(measured(root, "python3 -m pytest -q test_a.py"), tree) == 0
    some = " ".join(f"test_a.py::{name}" for name in names[:FEW])
    assert lines_passed(measured(root, f"python3 -m pytest -q {some}"), tree) == 2 * FEW


def test_nothing_is_known_without_a_run(tmp_path):
    root = make_repository(tmp_path / "r", {"a.py": "A = 1\n"})
    assert lines_passed(None, Workspace(Repository.open(root))) == 0
