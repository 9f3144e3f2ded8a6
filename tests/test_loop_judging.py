"""Tests as the oracle of a step, with real tests in real repositories."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner, detect, parse_command
from qwenagent.loop import Stop
from qwenagent.loop.evidence.judging import Judge, Judged
from qwenagent.loop.evidence.testing import Tests, summary
from qwenagent.loop.stop import Stopped
from qwenagent.plan import Step, parse_plan
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import EventStream, Record, TestsRan, TestsStarted, Warned
from qwenagent.workspace import Repository, Workspace
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, make_repository

OTHER = (
    "import unittest\n\nimport calc\n\n\nclass Minus(unittest.TestCase):\n"
    "    def test_minus(self):\n        self.assertEqual(calc.twice(0), 0)\n\n"
    "    def test_none(self):\n        self.assertEqual(calc.add(3, 2), 1)\n"
)
SUITE = "python3 -m unittest -v"
NEW_TEST = (
    "import unittest\n\n\nclass New(unittest.TestCase):\n    def test_new(self):\n        pass\n"
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return Workspace(Repository.open(make_repository(tmp_path / "my repo", files)))


def step(text: str) -> Step:
    [only] = parse_plan(f"- [ ] {text}\n").steps
    return only


def command(text: str) -> TestCommand:
    return parse_command(text, "step")


def measured(tree: Workspace, suite: str = "", records: list[Record] | None = None) -> Tests:
    sinks = () if records is None else (records.append,)
    runner = TestRunner(tree.root, os.environ)
    tests = Tests(runner, EventStream("run", sinks), Stop(), 60, tree=tree)
    tests.suite = command(suite) if suite else None
    tests.measure_baseline()
    return tests


def write(tree: Workspace, text: str, name: str = "calc.py") -> None:
    (tree.root / name).write_text(text)


def brief(judged: Judged) -> tuple[str, str]:
    return judged.state, judged.reason


# -- a command of the step's own --------------------------------------------------------------


def test_the_steps_own_tests_turn_green(tree):
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree), tree)
    assert judge.shown_command == COMMAND
    assert judge.failing is judge.before
    assert judge.start_rank == (0, 0, 0, -1, 1)
    write(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert brief(judged) == (
        "solved",
        "test_calc.Add.test_add passed for the first time, none turned red",
    )
    assert judged.newly_passed == ("test_calc.Add.test_add",)
    assert judged.suite is None
    assert judged.rank == (2, 0, 1, 0, 0) > judge.start_rank


def test_the_steps_own_tests_stay_red(tree):
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree), tree)
    write(tree, BROKEN)
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert judged.reason == "the step's tests are red: test_calc.Add.test_add fails"
    assert judged.shown is not None
    assert judged.shown.n_failed == 1
    assert judged.rank == judge.start_rank


def test_a_red_test_that_gets_further_ranks_above_the_start(tree):
    more = TEST.replace("add(2, 3), 5)\n", "add(2, 3), 5)\n        self.assertEqual(twice(2), 4)\n")
    write(tree, more, "test_calc.py")
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree), tree)
    write(tree, FIXED.replace("add(a, a)", "a"))
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert judged.rank == (0, 0, 0, -1, 2) > judge.start_rank


def test_where_the_code_was_missing_getting_further_is_no_gain_but_tells_attempts_apart(tree):
    more = TEST.replace("add(2, 3), 5)\n", "add(2, 3), 5)\n        self.assertEqual(twice(2), 4)\n")
    write(tree, more, "test_calc.py")
    write(tree, MODULE.replace("def add", "def plus"))
    judge = Judge(step("Write `add`."), command(COMMAND), measured(tree), tree)
    ranks = []
    for code in (BROKEN, FIXED.replace("add(a, a)", "a")):
        write(tree, code)
        ranks.append(judge.judge(["calc.py"]).rank)
    assert ranks[0] < ranks[1]
    assert [rank[3] for rank in ranks] == [-1, -1]
    assert judge.start_rank[3:] == (-1, 1_000_000)


def test_worse_than_before_ranks_below_the_start(tree):
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree), tree)
    write(tree, MODULE.replace("a - b", "None"))
    judged = judge.judge(["calc.py"])
    assert judged.newly_failed == ("test_calc.Add.test_zero",)
    assert judged.rank == (0, -1, 0, -2, 2) < judge.start_rank


def test_a_test_that_was_green_already_is_no_evidence(tree):
    write(tree, FIXED)
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree), tree)
    assert judge.failing is None
    write(tree, FIXED + "\nX = 1\n")
    judged = judge.judge(["calc.py"])
    assert brief(judged) == ("unverified", "no test turned from red to green for it")
    assert judged.rank[0] == 1


def test_what_the_suite_loses_counts_against_the_step(tree):
    write(tree, OTHER, "test_other.py")
    judge = Judge(step("Fix `add`."), command(COMMAND), measured(tree, SUITE), tree)
    write(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert "test_other.Minus.test_none passed before and no longer does" in judged.reason
    assert judged.newly_failed == ("test_other.Minus.test_none",)
    assert judged.suite is judged.shown


def test_one_command_for_the_step_and_the_suite_runs_once(tree):
    records: list[Record] = []
    tests = measured(tree, COMMAND, records)
    judge = Judge(step("Fix `add`."), command(COMMAND), tests, tree)
    assert judge.before is tests.baseline
    write(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert judged.state == "solved"
    assert judged.suite is judged.shown
    told = [r.event for r in records if isinstance(r.event, TestsStarted | TestsRan)]
    assert [(type(e).__name__, e.why) for e in told] == [
        ("TestsStarted", "baseline"),
        ("TestsRan", "baseline"),
        ("TestsStarted", "baseline"),  # its red test once more
        ("TestsRan", "baseline"),
        ("TestsStarted", "step"),
        ("TestsRan", "step"),
    ]


# -- the suite alone --------------------------------------------------------------------------


def test_a_red_test_that_names_what_the_step_names_waits_for_it(tree):
    judge = Judge(step("Fix `add` in `calc.py`."), None, measured(tree, SUITE), tree)
    assert judge.failing is not None
    assert judge.shown_command == SUITE
    write(tree, BROKEN)
    assert brief(judge.judge(["calc.py"])) == ("red", "test_calc.Add.test_add is still red")
    write(tree, FIXED)
    assert judge.judge(["calc.py"]).state == "solved"


def test_a_red_test_of_something_else_does_not_hold_up_a_step(tree):
    judge = Judge(step("Write a `changelog` function."), None, measured(tree, SUITE), tree)
    assert judge.failing is None
    write(tree, "def changelog():\n    return 1\n", "log.py")
    judged = judge.judge(["log.py"])
    assert brief(judged) == ("unverified", "no test turned from red to green for it")


def test_the_suite_may_not_lose_a_test(tree):
    judge = Judge(step("Tidy `twice`."), None, measured(tree, SUITE), tree)
    write(tree, "def add(a, b:\n")
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert judged.newly_failed == ("test_calc.Add.test_zero",)


def test_tests_that_the_step_wrote_are_no_evidence(tree):
    write(tree, FIXED)
    judge = Judge(step("Write `test_new.py`."), command(f"{SUITE} test_new"), measured(tree), tree)
    write(tree, NEW_TEST, "test_new.py")
    judged = judge.judge(["test_new.py"])
    assert brief(judged) == ("unverified", "only tests that this step wrote itself speak for it")


def test_tests_that_the_step_wrote_are_found_in_a_folder_that_is_no_package(tree):
    write(tree, FIXED)
    (tree.root / "tests").mkdir()
    suite = "python3 -m unittest discover -v -s tests"
    write(tree, OTHER.replace("(3, 2), 1", "(3, 2), 5"), "tests/test_other.py")
    judge = Judge(step("Write more tests."), None, measured(tree, suite), tree)
    write(tree, NEW_TEST, "tests/test_new.py")
    judged = judge.judge(["tests/test_new.py"])
    assert judged.newly_passed == ()
    assert brief(judged) == ("unverified", "only tests that this step wrote itself speak for it")


def test_a_step_asks_for_the_red_tests_of_the_file_it_names(tree):
    (tree.root / "tests").mkdir()
    for name in ("sums", "other"):
        write(tree, TEST, f"tests/test_{name}.py")
    suite = measured(tree, "python3 -m unittest discover -v -s tests")
    judge = Judge(step("Have `tests/test_sums.py`, at last, be right."), None, suite, tree)
    assert judge.is_asked
    write(tree, BROKEN)
    assert brief(judge.judge(["calc.py"])) == ("red", "test_sums.Add.test_add is still red")


def test_a_test_that_somebody_else_wrote_speaks_for_a_step_that_wrote_one_too(tree):
    judge = Judge(step("Fix `add`, write `test_new.py`."), None, measured(tree, SUITE), tree)
    write(tree, NEW_TEST, "test_new.py")
    write(tree, FIXED)
    assert judge.judge(["calc.py", "test_new.py"]).state == "solved"


def test_without_any_tests_nothing_speaks_for_a_step(tree):
    judge = Judge(step("Fix `add`."), None, measured(tree), tree)
    assert (judge.shown_command, judge.before, judge.failing) == ("", None, None)
    assert judge.start_rank == (0, 0, 0, 0, 0)
    assert judge.judge(["calc.py"]) == Judged("unverified", "no test speaks for it", None, None)


# -- running and telling ----------------------------------------------------------------------


def test_a_stopped_run_is_not_judged(tree):
    tests = measured(tree)
    tests.stop.set("interrupted")
    with pytest.raises(Stopped):
        tests.run(command(COMMAND), "step")


def test_a_command_that_cannot_fail_is_told(tree):
    records: list[Record] = []
    tests = measured(tree, records=records)
    assert tests.useful(command("true")) is None
    assert tests.useful(command(COMMAND)) == command(COMMAND)
    assert tests.useful(None) is None
    assert [r.event for r in records] == [
        Warned("`true` cannot fail, so it is no evidence of anything")
    ]


def test_the_suite_that_is_found_is_the_one_that_runs(tree):
    found = detect(tree.root)
    assert found is not None
    tests = measured(tree, found.shown)
    assert tests.baseline is not None
    assert summary(tests.baseline) == "1 of 2 passed"


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (None, ""),
        (TestRun("x", 0, 1, ""), "passed"),
        (TestRun("x", 3, 1, ""), "exit code 3"),
        (TestRun("x", 5, 1, "", collected=False), "no tests"),
        (TestRun("x", 1, 61.2, "", timed_out=True), "timed out after 61 s"),
        (TestRun("x", 1, 1, "", {"a": "passed", "b": "failed", "c": "skipped"}), "1 of 2 passed"),
    ],
)
def test_a_run_in_a_few_words(run, words):
    assert summary(run) == words
