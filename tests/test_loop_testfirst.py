"""A test that the model writes before the code: a guide, a commit of its own, never a proof."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.engine.scripted import Reply
from qwenagent.errors import EngineError
from qwenagent.loop import RunOptions, Undoing
from qwenagent.protocol.events import EditApplied
from qwenagent.workspace import Repository
from tests.kinds_stage import CALC, FIXED, status, warnings
from tests.loop_stage import TASK, Stage, body, make_repository

WRITING = Settings(loop=LoopSettings(write_tests=True))
STEP = "- [ ] `calc.py`: add `halve(n)`, the half of a number.\n"
TEST = """import unittest

from calc import halve


class Halve(unittest.TestCase):
    def test_halve(self):
        self.assertEqual(halve(8), 4)
"""
DONE = f"{CALC}\n\ndef halve(n):\n    return n / 2\n"
WRONG = f"{CALC}\n\ndef halve(n):\n    return n * 2\n"
PATH = "tests/test_calc_py_add_halve_n_the_half_of_a_number.py"
RUN = RunOptions()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"calc.py": CALC, ".gitignore": "__pycache__/\n"}
    root = make_repository(tmp_path / "a repo", files)
    monkeypatch.chdir(root)
    return root


def played(
    root: Path, *replies: Reply, settings: Settings = WRITING, options: RunOptions = RUN
) -> tuple[Stage, int]:
    stage = Stage(root, replies, settings=settings)
    return stage, stage.run_plan(STEP, options)


def test_it_is_shown_guides_and_is_committed_before_the_step(root):
    stage, code = played(root, body(TEST), body(DONE))
    [line] = stage.finished.steps
    assert (code, line.state) == (0, "unverified")
    assert line.reason == f"only {PATH} speaks for it, which the model wrote"
    assert (line.tests_before, line.tests_after) == (
        "0 of 1 passed", "1 of 1 passed",
    )  # fmt: skip
    assert [e.path for e in stage.events(EditApplied)] == [PATH, "calc.py"]
    assert "test_halve" in stage.engine.prompts[-1].messages[-1].text
    log = stage.git("log", "--format=%s", "--name-only", "main..HEAD").split("\n")
    assert [row for row in log if row] == [
        "calc.py: add halve(n), the half of a number.",
        "calc.py",
        "A test for step 1: calc.py: add halve(n), the half of a number.",
        PATH,
    ]
    assert "proves nothing by itself" in stage.git("log", "-1", "--format=%b", "HEAD^")
    assert status(root) == ""


def test_what_it_alone_speaks_for_is_not_done_for_who_wants_proof(root):
    stage, code = played(root, body(TEST), body(DONE), options=RunOptions(strict=True))
    assert (code, stage.states) == (1, ["unverified"])


def test_without_being_asked_for_none_is_written(root):
    stage, _ = played(root, body(DONE), settings=Settings())
    assert stage.states == ["unverified"]
    assert len(stage.engine.prompts) == 1
    assert not (root / "tests").exists()


def test_one_that_passes_before_anything_is_done_is_left_out(root):
    empty = TEST.replace("from calc import halve", "import calc").replace("halve(8), 4", "4, 4")
    stage, _ = played(root, body(empty.replace("import calc\n\n\n", "\n")), body(DONE))
    assert stage.states == ["unverified"]
    assert "passes before anything is done; the step is done without it" in warnings(stage)
    assert stage.git("show", "--name-only", "--format=", "HEAD").split() == ["calc.py"]
    assert not (root / "tests").exists()


def test_one_that_no_attempt_satisfies_is_left_out(root):
    one_try = replace(WRITING, loop=LoopSettings(write_tests=True, repairs=0))
    silly = TEST.replace("halve(8), 4", "halve(8), 5")
    stage, _ = played(root, body(silly), body(DONE), body(DONE), settings=one_try)
    assert stage.states == ["unverified"]
    assert "is not content with any attempt" in warnings(stage)
    assert (root / "calc.py").read_text() == DONE
    assert not (root / "tests").exists()
    assert stage.git("rev-list", "--count", "main..HEAD") == "1"


def test_one_that_is_refused_again_and_again_is_told(root):
    broken = body("def broken(:\n")
    thought = "It has to be shorter."
    replies = (broken, thought, broken, thought, body("def broken(\n"), body(DONE))
    stage, _ = played(root, *replies)
    assert stage.states == ["unverified"]
    assert "no test is written first: no edit passed the checks" in warnings(stage)
    assert (root / "calc.py").read_text() == DONE


def test_an_answer_that_cannot_be_had_costs_the_test_and_not_the_run(root):
    stage, code = played(root, EngineError("the window is full"), body(DONE))
    assert (code, stage.states) == (0, ["unverified"])
    assert "no test is written first: the window is full" in warnings(stage)


def test_it_may_import_what_the_step_is_about_to_make(root):
    step = "- [ ] Create `shop.py` with a function `price(n)`: three times `n`.\n"
    test = TEST.replace("calc import halve", "shop import price").replace(
        "halve(8), 4", "price(2), 6"
    )
    stage = Stage(root, [body(test), body("def price(n):\n    return 3 * n\n")], settings=WRITING)
    assert stage.run_plan(step) == 0
    [line] = stage.finished.steps
    assert line.tests_after == "1 of 1 passed"
    assert not warnings(stage).count("no test is written")


def test_where_a_test_speaks_already_none_is_written(root):
    step = STEP + "      Test: `python3 -c 'from calc import halve'`\n"
    stage = Stage(root, [body(DONE)], settings=WRITING)
    assert stage.run_plan(step) == 0
    assert stage.states == ["solved"]


def test_undone_both_commits_are_gone(root):
    stage, _ = played(root, body(TEST), body(DONE))
    Undoing(Repository.open(root)).undo()
    assert stage.git("rev-list", "--count", "main..HEAD") == "0"
    assert (root / "calc.py").read_text() == CALC
    assert status(root) == ""
    Undoing(Repository.open(root)).redo()
    assert stage.git("rev-list", "--count", "main..HEAD") == "2"
    assert (root / "calc.py").read_text() == DONE
    assert status(root) == ""


def test_a_task_gets_one_as_well(root):
    stage = Stage(root, [body(TEST), body(DONE)], settings=WRITING)
    assert stage.run_task("`calc.py`: add `halve(n)`, the half of a number.", TASK) == 0
    assert stage.states == ["unverified"]
    assert (root / "tests").is_dir()
    assert FIXED not in (root / "calc.py").read_text()
