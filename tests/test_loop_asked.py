"""Red tests that a step or a task asks for: whole runs with a scripted engine."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qwenagent.config import Settings, TestSettings
from qwenagent.loop.words.redtests import speaks_of_red_tests
from qwenagent.protocol.events import CandidateScored
from qwenagent.protocol.messages import Alternative
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, Stage, body, make_repository

ELSEWHERE = f"{sys.executable} -m pytest -q test_calc.py"
THOUGHT = "The operator in add is wrong."
GIVEN = Settings(tests=TestSettings(command=COMMAND))
OTHER = "\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n        self.fail('old')\n"


@pytest.mark.parametrize(
    ("text", "speaks"),
    [
        ("The tests in `tests/test_a.py` fail.", True),
        ("Some tests fail. Find the bug.", True),
        ("Make the tests pass.", True),
        ("make tests/test_a.py and the other tests pass", True),
        ("The suite is red since yesterday", True),
        ("There is a failing test in test_a.py", True),
        ("The tests do not end.", True),
        ("These tests don't pass.", True),
        ("A test fails since yesterday.", True),
        ("Your last change did not pass the tests.", True),
        ("Add a check, so that the failing test passes.", True),
        ("The existing tests must still pass.", False),
        ("The existing tests must not fail.", False),
        ("The suite should never hang.", False),
        ("Mind that tests don't fail on Windows.", False),
        ("Take care that no tests fail.", False),
        ("Add a test that fails without the fix.", False),
        ("Write a failing test for `parse` first.", False),
        ("Add tests for the parser.", False),
        ("A failing request is retried. Write a test.", False),
        ("Let `parse` fail on empty input.", False),
        ("Change the colour to red.", False),
        ("Extend the tests for failing payments.", False),
        ("Extend the tests for payments that fail.", False),
        ("Extend the tests for requests that do not end.", False),
        ("Log a broken pipe and keep the tests as they are.", False),
        ("Let the suite cover the red button.", False),
        ("The tests are not red.", False),
        ("Repair the failing unit tests.", True),
        ("Repair the broken and red tests.", True),
        ("Repair the tests that fail.", True),
        ("Repair the failing `tests/test_a.py` tests.", True),
        ("Two tests in tests/test_a.py, for `parse`, fail.", True),
        ("The tests of the cart module fail on Windows.", True),
        ("The suite has been red since Monday.", True),
        ("The tests are currently broken.", True),
    ],
)
def test_words(text, speaks):
    assert speaks_of_red_tests(text) is speaks


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


@pytest.mark.parametrize(
    "task", ["The tests in `test_calc.py` fail; mend `calc.py`.", "Tests fail. Mend `calc.py`."]
)
def test_tests_that_a_task_asks_for_have_to_turn_green(task, root):
    stage = Stage(root, [body(BROKEN), THOUGHT, body(FIXED)])
    assert stage.run_task(task) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED
    assert "AssertionError" in stage.engine.prompts[0].messages[-1].text


@pytest.mark.parametrize("command", [COMMAND, ELSEWHERE])
def test_a_test_file_that_cannot_be_loaded_is_asked_for_with_all_that_is_in_it(command, root):
    (root / "calc.py").write_text("def twice(a):\n    return 2 * a\n", encoding="utf-8")
    settings = Settings(tests=TestSettings(command=command))
    stage = Stage(root, [body(BROKEN), THOUGHT, body(FIXED)], settings=settings)
    assert stage.run_task("The tests in `test_calc.py` fail; mend `calc.py`.") == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED
    assert [score.best for score in stage.events(CandidateScored)] == [True, True]


def test_without_them_the_task_is_not_done(root):
    stage = Stage(root, [body(BROKEN), *[THOUGHT, body(BROKEN)] * 4])
    assert stage.run_task("The tests in `test_calc.py` fail; mend `calc.py`.") == 1
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE


def test_tests_that_do_not_end_are_asked_for_as_a_whole(root):
    (root / "calc.py").write_text("def add(a, b):\n    while True:\n        pass\n")
    (root / "test_calc.py").write_text(TEST.replace(", twice", ""), encoding="utf-8")
    settings = Settings(tests=TestSettings(command=COMMAND, timeout_s=2))
    stage = Stage(root, [body("def add(a, b):\n    return a + b\n")], settings=settings)
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "hangs")
    assert stage.run_task("The tests in `test_calc.py` do not end; mend `calc.py`.") == 0
    assert stage.states == ["solved"]


def test_a_command_that_comes_with_a_task_is_a_wish(root):
    (root / "test_calc.py").write_text(TEST + OTHER, encoding="utf-8")
    stage = Stage(root, [body(FIXED), *[THOUGHT, body(FIXED)] * 4], settings=GIVEN)
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "old")
    assert stage.run_task("Let the sum be right, in `calc.py`.") == 0
    assert (root / "calc.py").read_text() == FIXED
    assert stage.finished.steps[0].reason == "1 of the tests that were red still are"
    assert stage.states == ["solved"]


def test_a_wish_does_not_come_true_by_tests_that_the_step_wrote(root):
    (root / "calc.py").write_text(FIXED, encoding="utf-8")
    (root / "test_calc.py").write_text(TEST + OTHER, encoding="utf-8")
    own = (
        "import unittest\n\nfrom calc import twice\n\n\nclass Twice(unittest.TestCase):\n"
        "    def test_twice(self):\n        self.assertEqual(twice(2), 4)\n"
    )
    settings = Settings(tests=TestSettings(command=f"{sys.executable} -m unittest -v"))
    stage = Stage(root, [body(own), *[THOUGHT, body(own)] * 4], settings=settings)
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-qm", "old")
    assert stage.run_task("Write `test_twice.py` for what has no test.") == 0
    assert (root / "test_twice.py").read_text() == own
    [line] = stage.finished.steps
    assert (line.state, line.reason) == ("unverified", "1 of the tests that were red still are")


def test_what_breaks_a_test_is_no_wish_come_true(root):
    breaking = MODULE.replace("a - b", "1")
    stage = Stage(root, [body(breaking), *[THOUGHT, body(breaking)] * 4], settings=GIVEN)
    assert stage.run_task("Let the sum be right, in `calc.py`.") == 1
    assert (root / "calc.py").read_text() == MODULE


def alternative(text: str, old: str, new: str) -> Alternative:
    start = text.index(old)
    return Alternative(start, text.index("\n", start), new, 0.5)


def test_tests_that_are_somewhere_else_are_not_waited_for(root):
    (root / "test_calc.py").unlink()
    settings = Settings(tests=TestSettings(command=ELSEWHERE))
    stage = Stage(root, [body(FIXED)], settings=settings)
    assert stage.run_task("Your last change did not pass the tests. Mend `calc.py`.") == 0
    assert stage.states == ["unverified"]
    assert (root / "calc.py").read_text() == FIXED


def test_assertions_that_were_pasted_are_waited_for(root):
    (root / "test_calc.py").unlink()
    settings = Settings(tests=TestSettings(command=ELSEWHERE))
    report = "E   AssertionError: -1 != 5\n    self.assertEqual(add(2, 3), 5)\n"
    task = f"Mend `calc.py`. It did not pass the tests:\n\n```\n{report}```\n"
    right = alternative(MODULE, "- b", "+ b")
    stage = Stage(root, [body(BROKEN)], others=[[right]], settings=settings)
    assert stage.run_task(task) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED
