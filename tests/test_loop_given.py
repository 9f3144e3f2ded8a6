"""A test that the plan gives: written first, red before and green after, and kept or taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.config import Settings, TestSettings
from qwenagent.errors import GitFailed
from qwenagent.loop import RunOptions, Stop
from qwenagent.protocol.events import EditApplied
from tests.kinds_stage import CALC, FIXED, GIVEN, GIVEN_FILE, ONE_TRY, status, warnings
from tests.loop_stage import Stage, body, make_repository


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"calc.py": CALC, "README.md": "# R\n", ".gitignore": "__pycache__/\n"}
    root = make_repository(tmp_path / "a repo", files)
    monkeypatch.chdir(root)
    return root


def test_a_given_test_is_red_before_green_after_and_committed_with_the_step(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan(GIVEN) == 0
    [line] = stage.finished.steps
    assert (line.state, line.tests_before, line.tests_after) == (
        "solved", "0 of 1 passed", "1 of 1 passed",
    )  # fmt: skip
    assert [(e.path, e.kind) for e in stage.events(EditApplied)] == [
        ("test_calc.py", "created"),
        ("calc.py", "changed"),
    ]
    assert stage.git("show", "--name-only", "--format=", "HEAD").split() == [
        "calc.py", "test_calc.py",
    ]  # fmt: skip
    assert (root / "test_calc.py").read_text() == GIVEN_FILE
    assert status(root) == ""


def test_a_given_test_that_is_green_before_is_no_evidence(root):
    stage = Stage(root, [body(CALC + "\n\nTEN = 10\n")])
    assert stage.run_plan(GIVEN.replace("5)", "-1)")) == 0
    assert stage.states == ["unverified"]
    assert "test_calc.py passes before anything is done, so it is no evidence" in warnings(stage)


def test_a_given_test_that_is_green_before_is_no_evidence_in_a_suite_either(root):
    (root / "test_other.py").write_text(
        "import unittest\n\n\nclass Other(unittest.TestCase):\n    def test_other(self):\n"
        "        pass\n"
    )
    Stage(root).git("add", "-A")
    Stage(root).git("commit", "-qm", "other")
    settings = Settings(tests=TestSettings(command="python3 -m unittest -v"))
    stage = Stage(root, [body(CALC + "\n\nTEN = 10\n")], settings=settings)
    assert stage.run_plan(GIVEN.replace("5)", "-1)"), RunOptions(strict=True)) == 1
    assert stage.states == ["unverified"]


def test_a_given_test_that_the_suite_command_runs_is_red_before(root):
    plan = GIVEN.replace("Test:\n", "Test: `python3 -m unittest -v`\n")
    settings = Settings(tests=TestSettings(command="python3 -m unittest -v"))
    stage = Stage(root, [body(FIXED)], settings=settings)
    assert stage.run_plan(plan) == 0
    [line] = stage.finished.steps
    assert (line.state, line.tests_before) == ("solved", "0 of 1 passed")
    assert "no evidence" not in warnings(stage)


def test_a_given_test_goes_when_its_step_is_blocked(root):
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=ONE_TRY)
    assert stage.run_plan(GIVEN) == 1
    assert stage.states == ["blocked"]
    assert not (root / "test_calc.py").exists()
    assert (root / "calc.py").read_text() == CALC
    assert status(root) == ""


def test_a_given_test_behind_others_goes_and_they_stay(root):
    mine = "import unittest\n\n\nclass Mine(unittest.TestCase):\n    pass\n"
    (root / "test_calc.py").write_text(mine)
    Stage(root).git("add", "-A")
    Stage(root).git("commit", "-qm", "mine")
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=ONE_TRY)
    assert stage.run_plan(GIVEN) == 1
    assert [(e.path, e.kind) for e in stage.events(EditApplied)[:1]] == [
        ("test_calc.py", "changed")
    ]
    assert (root / "test_calc.py").read_text() == mine
    assert status(root) == ""


def test_a_given_test_goes_when_the_run_is_interrupted(root):
    stop = Stop()

    def interrupt(_prompt: object) -> str:
        assert (root / "test_calc.py").exists()
        stop.set("interrupted")
        return body(FIXED)

    stage = Stage(root, [interrupt], stop=stop)
    assert stage.run_plan(GIVEN) == 130
    assert not (root / "test_calc.py").exists()
    assert status(root) == ""


def test_a_given_test_goes_when_the_step_cannot_be_committed(root):
    def lock(_prompt: object) -> str:
        (root / ".git" / "index.lock").touch()
        return body(FIXED)

    stage = Stage(root, [lock])
    with pytest.raises(GitFailed, match=r"index\.lock"):
        stage.run_plan(GIVEN)
    (root / ".git" / "index.lock").unlink()
    assert not (root / "test_calc.py").exists()
    assert (root / "calc.py").read_text() == CALC


def test_a_step_that_is_only_its_test_writes_that(root):
    plan = GIVEN.replace("Fix `add` in `calc.py`.", "Add a test.\n      Files: `test_calc.py`")
    stage = Stage(root)
    assert stage.run_plan(plan) == 0
    [line] = stage.finished.steps
    assert (line.state, line.reason) == (
        "unverified", "the test is written, and red before anything else is done",
    )  # fmt: skip
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "test_calc.py"


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("```python\n      # test_calc.py", "```cobol", "a language that is not known: 'cobol'"),
        ("# test_calc.py", "# conftest.py", "'conftest.py' does not look like a test file"),
        ("# test_calc.py", "# node_modules/test_calc.py", "no place for a test of this repository"),
    ],
)
def test_a_given_test_in_no_language_or_place_blocks_the_step(old, new, why, root):
    stage = Stage(root, [body(FIXED)])
    plan = GIVEN.replace(old, new)
    assert stage.run_plan(plan) == 1
    assert stage.states == ["blocked"]
    assert why in stage.finished.steps[0].reason
    assert status(root) == ""
