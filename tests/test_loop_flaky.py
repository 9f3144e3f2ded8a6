"""Tests that fail once and pass once: set aside, named, and neither evidence nor regression."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings
from qwenagent.loop.evidence.flaky import MAX_RERUN, FlipFloppers
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Workspace
from tests.loop_stage import FIXED, MODULE, Stage, body
from tests.suite_stage import (
    ADD,
    APART,
    OTHER,
    OWN,
    SUITE,
    Told,
    command,
    edit,
    script,
    small_project,
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return small_project(tmp_path)


def flaky_test(counter: Path, fails: str, name: str = "test_flip") -> str:
    """A test that counts its runs and fails in those that `fails`, a condition on n, names."""
    return (
        "import pathlib, unittest\n\n\nclass Flip(unittest.TestCase):\n"
        f"    def {name}(self):\n"
        f"        counter = pathlib.Path({str(counter)!r})\n"
        "        n = int(counter.read_text()) + 1 if counter.exists() else 1\n"
        "        counter.write_text(str(n))\n"
        f"        self.assertFalse({fails})\n"
    )


@pytest.fixture
def flip(tree: Workspace, tmp_path: Path) -> Callable[[str], Path]:
    def write(fails: str) -> Path:
        counter = tmp_path / "counter"
        (tree.root / "test_flip.py").write_text(flaky_test(counter, fails), encoding="utf-8")
        return counter

    return write


FLIP = "test_flip.Flip.test_flip"
SET_ASIDE = (
    f"{FLIP} failed and then passed without any change: set aside, neither evidence nor "
    "regression in this run"
)


def test_a_test_that_fails_once_after_an_edit_costs_nothing(tree, flip):
    flip("n == 2")
    told = Told(tree, SUITE)
    judge = told.judge("Fix `add`.")
    edit(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert (judged.state, judged.newly_passed, judged.newly_failed) == ("solved", (ADD,), ())
    assert told.warned == [SET_ASIDE]
    assert told.tests.flaky.ids == (FLIP,)
    assert judged.suite is not None
    assert FLIP not in judged.suite.statuses
    assert judged.suite.green


def test_a_test_that_fails_twice_is_red(tree, flip):
    flip("n in (2, 3)")
    told = Told(tree, SUITE)
    judge = told.judge("Fix `add`.")
    edit(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert (judged.state, judged.newly_failed) == ("red", (FLIP,))
    assert told.warned == []


def test_a_test_that_passes_alone_only_is_red(tree):
    """An edit may break it for those that run after another test."""
    other = OTHER.replace("        self.assert", "        calc.SEEN = True\n        self.assert")
    (tree.root / "test_other.py").write_text(other)
    later = APART.replace("pass", "import calc; assert not getattr(calc, 'SEEN', False) or calc.OK")
    (tree.root / "test_past.py").write_text(later)
    (tree.root / "calc.py").write_text(MODULE + "\n\nOK = True\n")
    told = Told(tree, SUITE)
    judge = told.judge("Fix `add`.")
    edit(tree, FIXED + "\n\nOK = False\n")
    judged = judge.judge(["calc.py"])
    assert (judged.state, judged.newly_failed) == ("red", ("test_past.T.test_one",))
    assert told.warned == []


def test_a_flip_flopper_at_the_baseline_never_counts_as_solved(tree, flip):
    flip("n == 1")
    told = Told(tree, SUITE)
    assert told.warned == [SET_ASIDE]
    assert FLIP not in told.baseline.statuses
    judged = told.judge("Write `flip`.").judge(["notes.txt"])
    assert judged.state == "unverified"
    assert len(told.warned) == 1


def test_a_step_whose_only_test_flips_has_no_test(tree, flip):
    flip("n == 1")
    told = Told(tree)
    judge = told.judge("Fix it.", "python3 -m unittest -v test_flip")
    assert (judge.before, judge.failing) == (None, None)
    judged = judge.judge(["calc.py"])
    assert (judged.state, judged.reason) == ("unverified", "no test speaks for it")


def test_a_red_test_is_run_again_only_once_in_a_run(tree):
    told = Told(tree, SUITE)
    assert len(told.ran) == 2
    assert ADD in told.ran[1]
    told.judge("Fix `add`.", OWN)
    assert told.ran[2:] == [OWN]


def test_a_command_without_ids_that_flips(tree, tmp_path):
    counter = tmp_path / "n"
    text = f"p = pathlib.Path({str(counter)!r})\nseen = p.exists()\np.touch()\nsys.exit(not seen)\n"
    told = Told(tree, script(tree, text))
    assert (told.tests.suite, told.tests.baseline) == (None, None)
    assert told.warned[0].startswith("python3 check.py failed and then passed without any change")


def test_many_failures_at_once_are_not_run_again(tree):
    names = "".join(
        f"    def test_{n:02}(self):\n        self.fail()\n" for n in range(MAX_RERUN + 1)
    )
    (tree.root / "test_many.py").write_text(APART + names)
    assert len(Told(tree, "python3 -m unittest -v test_many").ran) == 1


def test_a_run_without_what_was_set_aside():
    flips = FlipFloppers()
    run = TestRun("x", 1, 1.0, "", {"a": "failed", "b": "passed"}, {"a": "why"})
    assert flips.drop(run) is run
    again = TestRun("x", 0, 1.0, "", {"a": "passed", "b": "passed"})
    assert flips.find(command("a | b"), run, ["a"], lambda _command: again) == ["a"]
    assert flips.drop(run) == TestRun("x", 0, 1.0, "", {"b": "passed"})
    only = TestRun("x", 1, 1.0, "", {"a": "failed"})
    assert flips.drop(only) == TestRun("x", 0, 1.0, "", collected=False)
    other = TestRun("x", 1, 1.0, "", {"a": "failed", "c": "failed"})
    assert flips.drop(other) == TestRun("x", 1, 1.0, "", {"c": "failed"})
    killed = TestRun("x", -9, 1.0, "", {"a": "failed", "b": "passed"})
    assert flips.drop(killed).exit_code == -9


def test_a_run_in_which_a_test_flips(tree, flip):
    flip("n == 2")
    stage = Stage(tree.root, [body(FIXED)], settings=Settings(loop=LoopSettings(repairs=0)))
    plan = f"Test: `{SUITE}`\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n"
    assert stage.run_plan(plan) == 0
    assert stage.states == ["solved"]
