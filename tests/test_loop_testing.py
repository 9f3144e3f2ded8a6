"""When which tests run: time-outs, slow suites, flip-floppers, what runs leave behind."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from qwenagent.checks import TestRunner
from qwenagent.config import Settings, TestSettings
from qwenagent.engine import ScriptedEngine
from qwenagent.loop import Ports, Stop
from qwenagent.loop.evidence.judging import compare_suites
from qwenagent.loop.evidence.limits import FIRST_S, Limits
from qwenagent.loop.evidence.reach import Part, overlaid
from qwenagent.loop.evidence.testing import Closing, Tests, summary
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import EventStream, Record, TestsStarted, Warned
from qwenagent.registry import find_card
from qwenagent.workspace import Workspace
from tests.conftest import run_git
from tests.loop_stage import FIXED, MODULE, TEST, Stage, Yes, body
from tests.suite_stage import (
    ADD,
    OWN,
    SUITE,
    ZERO,
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


# -- time-outs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("took_s", "limit_s"), [(0.1, 30.0), (6.0, 30.0), (10.0, 40.0), (100.0, 310.0), (900.0, 1800.0)]
)
def test_a_command_may_take_three_times_as_long_as_before(took_s, limit_s):
    limits = Limits()
    assert limits.limit_s(command("pytest")) == FIRST_S == 1800
    limits.note(command("pytest"), took_s)
    limits.note(command("pytest"), took_s / 2)
    assert limits.limit_s(command("pytest")) == limit_s
    assert limits.limit_s(command("pytest -x")) == FIRST_S


@pytest.mark.parametrize(
    ("typed", "limit_s"),
    [
        ("python3.11 -m pytest", 30),
        ("env A=b uv run pytest", 30),
        ("npm test", 30),
        ("cargo test", 300),
        ("go test ./...", 300),
        ("./run-tests", 300),
    ],
)
def test_what_may_have_to_build_first_has_time_for_it(typed, limit_s):
    limits = Limits()
    limits.note(command(typed), 0.5)
    assert limits.limit_s(command(typed)) == limit_s


def test_a_run_that_broke_off_before_its_first_test_is_not_the_quickest():
    limits = Limits(is_hurried=True)
    limits.note(command("pytest"), 12)
    limits.note_end(command("pytest"), TestRun("pytest", 0, 12.0, "", {"a": "passed"}))
    limits.note_end(command("pytest"), TestRun("pytest", 2, 0.4, "", {}, collected=False))
    limits.note_end(command("pytest"), TestRun("pytest", 1, 0.4, "", {"a": "failed"}))
    assert limits.limit_s(command("pytest")) == 3 * 12 + 2


@pytest.mark.parametrize(
    ("typed", "took_s", "limit_s"),
    [("pytest", 0.4, 10), ("pytest", 4, 25), ("pytest", 60, 60), ("cargo test", 0.4, 60)],
)
def test_where_there_are_other_answers_less_is_waited_for(typed, took_s, limit_s):
    limits = Limits(hard_s=60, is_pressed=True)
    assert limits.limit_s(command(typed)) == 60
    limits.note_end(command(typed), TestRun(typed, 0, took_s, "", {"a": "passed"}))
    assert limits.limit_s(command(typed)) == limit_s


def test_a_limit_of_the_users_own_is_hard():
    limits = Limits(hard_s=7)
    limits.note(command("pytest"), 100)
    assert limits.limit_s(command("pytest")) == limits.limit_s(command("x")) == 7


def test_the_limits_of_real_runs(tree):
    told = Told(tree, SUITE)
    judge = told.judge("Fix `add`.", OWN)
    edit(tree, FIXED)
    assert judge.judge(["calc.py"]).state == "solved"
    limits = [r.event.timeout_s for r in told.records if isinstance(r.event, TestsStarted)]
    # the suite, its red test alone; the step's own; after the edit the step's own, the suite
    assert limits == [1800, 1800, 1800, 30, 30]


def test_a_baseline_that_does_not_end_is_no_oracle(tree):
    slow = script(tree, "import time; time.sleep(60)\n")
    told = Told(tree, slow, timeout_s=0.3)
    assert (told.tests.suite, told.tests.baseline) == (None, None)
    [warning] = told.warned
    assert re.fullmatch(
        r"`python3 check\.py` did not end within \d+ s before any change, so it judges nothing in "
        "this run: steps have their own tests alone",
        warning,
    )
    assert "--test-cmd" in told.hints[0]
    assert "tests.timeout_s" in told.hints[0]
    told.tests._limits.hard_s = 0  # for a machine that is busy
    judge = told.judge("Fix `add`.", OWN)
    edit(tree, FIXED)
    assert judge.judge(["calc.py"]).state == "solved"


def test_a_run_that_hangs_after_an_edit_is_red(tree):
    (tree.root / "test_calc.py").write_text(
        TEST.replace("import unittest", "import unittest, calc")
    )
    told = Told(tree, timeout_s=1)
    judge = told.judge("Fix `add`.", OWN)
    edit(tree, "import time\n\ntime.sleep(60)\n" + FIXED)
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert re.search(r"`python3 -m unittest -v test_calc` did not end within \d+ s", judged.reason)
    assert told.hints[-1] == "tests.timeout_s sets a limit of your own"


# -- endings that need words ------------------------------------------------------------------


def test_a_suite_that_is_killed_is_told_and_counts_as_red(tree):
    kill = script(tree, "import os, signal\nprint('half')\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    told = Told(tree, kill)
    assert told.warned == ["`python3 check.py` was killed by SIGSEGV before any change"]
    assert told.hints == ["half"]
    assert summary(told.tests.baseline) == "killed by SIGSEGV"
    judged = told.judge("Fix `add`.").judge(["calc.py"])
    assert judged.state == "unverified"  # as bad as before, so not the step's fault


def test_a_suite_that_an_edit_crashes(tree):
    told = Told(tree, SUITE)
    judge = told.judge("Tidy `twice`.")
    edit(tree, "import os, signal\n\nos.kill(os.getpid(), signal.SIGKILL)\n" + MODULE)
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert judged.reason == f"`{SUITE}` was killed by SIGKILL"


def test_a_step_that_deletes_the_tests(tree):
    told = Told(tree, SUITE)
    judge = told.judge("Fix `add`.", OWN)
    edit(tree, FIXED)
    edit(tree, "import unittest\n", "test_calc.py")
    judged = judge.judge(["calc.py", "test_calc.py"])
    assert judged.state == "red"
    assert judged.reason == "the step's tests are red: no tests were collected; 2 were before"


def test_a_shell_line_whose_program_is_missing(tree):
    told = Told(tree, "no-such-program-x | cat")
    assert told.warned == [
        "`no-such-program-x | cat` ended with exit code 127: a program in it is not found "
        "before any change"
    ]
    assert "no-such-program-x" in told.hints[0]


# -- slow suites ------------------------------------------------------------------------------


def test_of_a_slow_suite_only_what_reaches_the_change_runs(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    assert told.tests.is_slow
    assert "more than tests.slow_s = 0.001" in told.warned[0]
    judge = told.judge("Fix `add`.")
    n_before = len(told.ran)
    edit(tree, FIXED)
    judged = judge.judge(["calc.py"])
    assert (judged.state, judged.newly_passed) == ("solved", (ADD,))
    [part] = told.ran[n_before:]
    assert "test_calc" in part
    assert "test_other" in part
    assert "test_apart" not in part
    assert judged.suite is not None
    assert judged.suite.statuses == {
        ADD: "passed",
        ZERO: "passed",
        "test_apart.T.test_one": "passed",
        "test_other.Twice.test_twice": "passed",
    }
    assert judged.suite.green
    assert judged.suite.seconds == told.baseline.seconds


def test_a_part_that_loses_a_test_is_red(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    judge = told.judge("Fix `add`.", OWN)
    edit(tree, FIXED.replace("return add(a, a)", "return None"))
    judged = judge.judge(["calc.py"])
    assert judged.state == "red"
    assert judged.newly_failed == ("test_other.Twice.test_twice",)
    edit(tree, "def add(a, b):\n    return a + b\n\n\ntwice = unknown\n")
    assert judge.judge(["calc.py"]).state == "red"


def test_the_steps_test_comes_first_and_a_red_one_ends_it(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    judge = told.judge("Fix `add`.", OWN)
    n_before = len(told.ran)
    edit(tree, MODULE + "\nX = 1\n")
    assert judge.judge(["calc.py"]).state == "red"
    assert told.ran[n_before:] == [OWN]


def test_a_step_whose_test_is_the_slow_suite(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    judge = told.judge("Fix `add`.", SUITE)
    n_before = len(told.ran)
    edit(tree, FIXED)
    assert judge.judge(["calc.py"]).state == "solved"
    assert len(told.ran[n_before:]) == 1
    assert told.ran[n_before] != SUITE


def test_a_step_whose_test_is_a_slow_suite_that_has_no_parts(tree):
    shell = f"cd . && {SUITE}"
    told = Told(tree, shell, slow_s=0.001)
    judge = told.judge("Fix `add`.", shell)
    edit(tree, MODULE + "\nX = 1\n")
    assert judge.judge(["calc.py"]).state == "red"
    assert told.ran[-1] == shell
    edit(tree, FIXED)
    assert judge.judge(["calc.py"]).state == "solved"


def test_a_file_that_no_test_reaches_is_told_once(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    n_before = len(told.ran)
    edit(tree, "some\n", "notes.txt")
    for _ in range(2):
        judge = told.judge("Write notes.")
        judged = judge.judge(["notes.txt"])
        assert (judged.state, judged.reason) == ("unverified", "no test speaks for it")
    assert told.ran[n_before:] == []
    assert told.warned[1:] == [
        "no test seems to reach notes.txt, so only the whole suite after the last step can "
        "judge that"
    ]


def test_a_slow_suite_without_parts_is_told(tree):
    told = Told(tree, script(tree, "print('ok')\n"), slow_s=0.001)
    judged = told.judge("Fix `add`.").judge(["calc.py"])
    assert judged.state == "unverified"
    assert "cannot be told to run single test files" in told.warned[-1]


def test_the_whole_suite_after_the_last_step(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    assert told.tests.closing_run() is None  # nothing has changed
    edit(tree, FIXED)
    closing = told.tests.closing_run()
    assert closing is not None
    assert closing == Closing(
        closing.run, (), "the whole suite after the last step: 4 of 4 passed, none turned red"
    )
    assert told.ran[-1] == SUITE
    assert told.tests.closing_run() is None


def test_what_only_the_whole_suite_notices(tree):
    told = Told(tree, SUITE, slow_s=0.001)
    edit(tree, FIXED.replace("return add(a, a)", "return 1"))
    closing = told.tests.closing_run()
    assert closing is not None
    lost = "test_other.Twice.test_twice"
    assert closing.newly_failed == (lost,)
    assert closing.sentence.endswith(f"{lost} passed before and no longer does")


def test_a_quick_suite_needs_no_closing_run(tree):
    told = Told(tree, SUITE)
    edit(tree, FIXED)
    assert not told.tests.is_slow
    assert told.tests.closing_run() is None
    assert Told(tree).tests.closing_run() is None


def test_a_part_laid_over_the_whole():
    whole = TestRun("all", 1, 90.0, "old", {"a": "passed", "b": "failed"}, {"b": "why"})
    part = Part(("f",), frozenset({"a"}), None)
    run = TestRun("part", 0, 1.0, "new", {"a": "passed", "c": "passed"})
    assert overlaid(whole, run, part) == TestRun(
        "all", 1, 90.0, "new", {"b": "failed", "a": "passed", "c": "passed"}, {"b": "why"}
    )
    gone = TestRun("part", 5, 1.0, "", collected=False)
    assert overlaid(whole, gone, part).statuses == {"b": "failed"}


# -- what runs leave behind -------------------------------------------------------------------


def test_tests_that_change_the_tree_are_told_of_once(tree):
    (tree.root / "a b.txt").write_text("one\n")
    run_git(tree.root, "add", "a b.txt")
    run_git(tree.root, "commit", "-qm", "more")
    (tree.root / "calc.py").write_text(MODULE + "\n# mine\n")
    text = (
        "for name in ('a b.txt', 'calc.py', 'new.snap', '__pycache__/x.pyc', '.my_cache/y'):\n"
        "    path = pathlib.Path(name)\n    path.parent.mkdir(exist_ok=True)\n"
        "    path.write_text((path.read_text() if path.exists() else '') + '# more\\n')\n"
    )
    told = Told(tree, script(tree, text))
    assert told.warned == [
        "`python3 check.py` changed 2 tracked file(s): a b.txt, calc.py; they are left as they "
        "are and are in no commit",
        "`python3 check.py` left 1 new file(s): new.snap; they stay and are in no commit",
    ]
    assert told.hints[0] == "`git restore -- 'a b.txt'` takes that back"  # calc.py was changed
    told.judge("Fix `add`.").judge([])
    assert len(told.warned) == 2
    assert (tree.root / "a b.txt").read_text() == "one\n# more\n# more\n"


def test_a_file_that_the_step_wrote_and_its_tests_rewrite_is_the_steps(tree):
    text = "path = pathlib.Path('calc.py')\npath.write_text(path.read_text() + '# formatted\\n')\n"
    told = Told(tree)
    edit(tree, FIXED)
    judge = told.judge("Fix `add`.", script(tree, text))
    judge.judge(["calc.py"])
    assert told.warned == []
    assert tree.changed() == ["calc.py"]
    assert tree.rollback() == ["calc.py"]
    assert (tree.root / "calc.py").read_text() == MODULE


def test_a_tracked_file_that_tests_delete(tree):
    told = Told(tree, script(tree, "pathlib.Path('test_apart.py').unlink()\n"))
    assert "changed 1 tracked file(s): test_apart.py" in told.warned[0]
    assert told.hints == ["`git restore -- test_apart.py` takes that back"]


# -- judged alike -----------------------------------------------------------------------------


def test_a_suite_compared_with_the_last_accepted(tree):
    told = Told(tree, SUITE)
    run = told.tests.run(command(SUITE), "regression")
    assert compare_suites(told.tests, run) == ""
    edit(tree, MODULE.replace("a - b", "None"))
    lost = told.tests.run(command(SUITE), "regression")
    assert "passed before and no longer do" in compare_suites(told.tests, lost)


def test_the_tests_of_a_run(tree):
    records: list[Record] = []
    settings = Settings(tests=TestSettings(timeout_s=5, slow_s=0.001))
    ports = Ports(
        engine=ScriptedEngine([]),
        workspace=tree,
        runner=TestRunner(tree.root, os.environ),
        events=EventStream("run", (records.append,)),
        approver=Yes(),
        profile=find_card("0.5b").profile,
        sampling=find_card("0.5b").sampling,
        settings=settings,
        stop=Stop(),
    )
    assert Tests.for_run(ports, command("pytest || true")).suite is None
    assert [r.event for r in records] == [
        Warned("`pytest || true` cannot fail, so it is no evidence of anything")
    ]
    tests = Tests.for_run(ports, command(OWN))
    tests.measure_baseline()
    assert (tests.suite, tests.timeout_s, tests.is_slow) == (command(OWN), 5, True)


# -- whole runs -------------------------------------------------------------------------------


def test_a_run_with_a_limit_that_the_suite_does_not_keep(tree):
    hang = script(tree, "import time; time.sleep(60)\n")
    settings = Settings(tests=TestSettings(command=hang, timeout_s=5))
    stage = Stage(tree.root, [body(FIXED)], settings=settings)
    assert stage.run_plan(f"- [ ] Fix `add` in `calc.py`.\n      Test: `{OWN}`\n") == 0
    assert stage.states == ["solved"]
    assert any("judges nothing in this run" in w.message for w in stage.events(Warned))
