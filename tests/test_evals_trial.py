"""A task from its fresh repository to its row, with somebody who does what a test says."""

from __future__ import annotations

import os
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from qwenagent.errors import ChecksError
from qwenagent.evals import Check, Kind, Row, Setup, Task
from qwenagent.evals.arms import Attempt, Effort
from qwenagent.evals.grading import write_files
from qwenagent.evals.task import REGRESSION
from qwenagent.evals.trial import FEEDBACK_LINES, Interrupted
from tests.conftest import run_git
from tests.evals_stage import MACHINE, SETUP, SOLVED, TASK, make_trial

UNIT = """import unittest

from calc import add


class T(unittest.TestCase):
    def test_{}(self):
        self.assertEqual({})
"""
SEEN = ("python", "-P", "-c", "import calc")


@dataclass
class Hand:
    """An arm that writes files, others on every try, and keeps what it was given."""

    tries: list[Mapping[str, str]]
    effort: Effort = field(default_factory=Effort)
    look: Callable[[Attempt], None] = lambda attempt: None
    name: str = "hand"
    given: list[Attempt] = field(default_factory=list)

    def attempt(self, attempt: Attempt) -> Effort:
        self.given.append(attempt)
        self.look(attempt)
        write_files(attempt.repository, self.tries[attempt.number - 1])
        return self.effort


NO_BYTECODE = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
"""What is as long and as old as before would be run from the cache."""


def unit_task(kind: Kind = "edit", **steps: str) -> Task:
    """A task with a quick test for each step; "old" is the regression."""
    names = {REGRESSION if name == "old" else name: name for name in steps}
    return replace(
        TASK,
        kind=kind,
        tests={f"test_{name}.py": UNIT.format(name, says) for name, says in steps.items()},
        checks=tuple(
            Check(check, ("python", "-m", "unittest", "-v", f"test_{name}"))
            for check, name in names.items()
        ),
    )


QUICK = unit_task(one="add(2, 3), 5")
TWICE = Setup(arm="", tries=2)


def test_the_row_of_a_task_that_is_solved(tmp_path):
    effort = Effort(1.25, 100, 40, 30, 3, 1, 0, False, "well", "run-1")
    files = {"calc.py": SOLVED + "# more\n", "new/ä.txt": "1\n2\n", "test_one.py": "# mine\n"}
    row = make_trial(Hand([files], effort), tmp_path).run(QUICK)
    assert row == Row(
        suite="made-up",
        kind="edit",
        task="calc",
        digest=QUICK.digest,
        language="python",
        level=1,
        visible=False,
        passed=True,
        passed_first=True,
        score=1.0,
        checks={"one": True},
        tests_passed=1,
        tests_failed=0,
        tries=1,
        seconds=1.25,
        test_seconds=row.test_seconds,
        prompt_tokens=100,
        cached_tokens=40,
        completion_tokens=30,
        calls=3,
        interventions=1,
        exit_code=0,
        late=False,
        note="well",
        transcript="run-1",
        changed=["calc.py", "new/ä.txt", "test_one.py"],
        changed_tests=["test_one.py"],
        added=5,
        removed=1,
        started=row.started,
        setup=replace(SETUP, arm="hand"),
        machine=MACHINE,
        in_place=False,
    )
    assert row.test_seconds > 0
    assert len(row.started) == len("2026-01-01T00:00:00Z")


def test_who_gets_a_task_gets_a_repository_of_one_commit(tmp_path):
    found: list[str] = []

    def look(attempt: Attempt) -> None:
        found.append(run_git(attempt.repository, "log", "--format=%s"))
        found.append(run_git(attempt.repository, "status", "--porcelain"))
        found.append(run_git(attempt.repository, "ls-files"))

    hand = Hand([{}], look=look)
    trial = make_trial(hand, tmp_path / "my work", replace(SETUP, seed=7, time_limit_s=12.0))
    trial.run(QUICK)
    scratch = tmp_path / "my work" / "edit-calc"
    assert found == ["calc: the task\n", "", "calc.py\n"]
    assert hand.given == [
        Attempt(
            task=QUICK,
            repository=scratch / "repository",
            scratch=scratch,
            prompt=QUICK.prompt,
            number=1,
            test_command="",
            time_limit_s=12.0,
            seed=7,
            cancel=trial.cancel,
        )
    ]


# -- tries ---------------------------------------------------------------------------------------


def test_the_second_try_gets_what_the_tests_said(tmp_path):
    effort = Effort(1.5, 10, 5, 2, 1, 0, 1, True, "so so", "run-x")
    wrong = "def add(a, b):\n    return a * b\n"
    hand = Hand([{"calc.py": wrong}, {"calc.py": SOLVED}], effort)
    row = make_trial(hand, tmp_path, TWICE).run(QUICK)
    assert (row.passed, row.passed_first, row.tries) == (True, False, 2)
    assert (row.seconds, row.prompt_tokens, row.completion_tokens, row.calls) == (3.0, 20, 4, 2)
    assert (row.note, row.late, row.exit_code) == ("so so", True, 1)
    first, second = hand.given
    assert (first.prompt, first.number, second.number) == (QUICK.prompt, 1, 2)
    assert second.prompt.startswith(QUICK.prompt)
    assert "AssertionError: 6 != 5" in second.prompt
    assert "Correct the code in: calc.py." in second.prompt


def test_the_second_try_finds_what_the_first_one_left(tmp_path):
    found: list[str] = []

    def look(attempt: Attempt) -> None:
        found.append((attempt.repository / "calc.py").read_text(encoding="utf-8"))

    wrong = "def add(a, b):\n    return 4\n"
    hand = Hand([{"calc.py": wrong}, {}], look=look)
    row = make_trial(hand, tmp_path, TWICE).run(QUICK)
    assert found == [QUICK.base["calc.py"], wrong]
    assert (row.passed, row.tries, row.tests_failed, row.score) == (False, 2, 1, 0.0)


def test_after_a_green_try_there_is_no_other(tmp_path):
    hand = Hand([{"calc.py": SOLVED}, {"calc.py": ""}])
    row = make_trial(hand, tmp_path, TWICE).run(QUICK)
    assert (row.passed, row.passed_first, row.tries, len(hand.given)) == (True, True, 1, 1)


def test_a_long_output_is_shown_by_its_ends(tmp_path):
    code = "".join(f"print('line {i}')\n" for i in range(200))
    hand = Hand([{"calc.py": code + "raise ValueError('`````')\n"}, {}])
    make_trial(hand, tmp_path, TWICE).run(QUICK)
    prompt = hand.given[1].prompt
    shown = prompt.split("``````\n")[1].splitlines()  # one tick more than there are inside
    assert len(shown) == FEEDBACK_LINES + 1
    assert shown[FEEDBACK_LINES // 2] == "[... cut ...]"
    assert shown[0] == "line 0"
    assert "line 150" not in shown


# -- hidden and visible --------------------------------------------------------------------------


def files_of(folder: Path) -> list[str]:
    """Files below a folder that git would list, by path."""
    return run_git(folder, "ls-files", "--cached", "--others").split("\n")[:-1]


def test_hidden_tests_are_nowhere_near(tmp_path):
    found: list[list[str]] = []

    def look(attempt: Attempt) -> None:
        found.append(files_of(attempt.repository))

    wrong = {"calc.py": "def add(a, b):\n    return 0\n"}
    hand = Hand([wrong, wrong], look=look)
    make_trial(hand, tmp_path, TWICE).run(QUICK)
    assert found == [["calc.py"], ["calc.py"]]
    assert [attempt.test_command for attempt in hand.given] == ["", ""]


@pytest.mark.parametrize("keep", [False, True])
def test_hidden_tests_do_not_stay_beside_the_repository(tmp_path, keep):
    found: list[list[str]] = []

    def look(attempt: Attempt) -> None:
        found.append(sorted(path.name for path in attempt.scratch.parent.rglob("test_*")))

    hand = Hand([{"calc.py": "def add(a, b):\n    return 0\n"}, {"calc.py": SOLVED}], look=look)
    assert make_trial(hand, tmp_path, TWICE, keep=keep).run(QUICK).passed
    assert found == [[], []]
    assert (tmp_path / "edit-calc" / "repository").is_dir() is keep
    assert not list(tmp_path.rglob("test_*"))


def test_hidden_tests_do_not_stay_after_a_check_that_cannot_be_run(tmp_path):
    task = replace(QUICK, checks=(Check("tests", ("no-such-tool",)),))
    with pytest.raises(ChecksError, match="no-such-tool"):
        make_trial(Hand([{}]), tmp_path).run(task)
    assert (tmp_path / "edit-calc" / "repository").is_dir()
    assert not list(tmp_path.rglob("test_*"))


def test_visible_tests_are_there_and_the_command_runs_them(tmp_path):
    there: list[str] = []
    ended: list[int] = []

    def look(attempt: Attempt) -> None:
        there.extend(files_of(attempt.repository))
        for files in ({}, {"calc.py": SOLVED}):
            write_files(attempt.repository, files)
            words = shlex.split(attempt.test_command)
            done = subprocess.run(
                words, cwd=attempt.repository, capture_output=True, check=False, env=NO_BYTECODE
            )
            ended.append(done.returncode)

    hand = Hand([{}], look=look)
    row = make_trial(hand, tmp_path, replace(SETUP, tests="visible")).run(TASK)
    assert (there, ended) == (["calc.py", "tests/test_calc.py"], [1, 0])
    assert (row.visible, row.passed, row.changed, row.changed_tests) == (
        True,
        True,
        ["calc.py"],
        [],
    )


def test_a_visible_task_is_visible_in_any_setup(tmp_path):
    task = replace(QUICK, base=QUICK.base | QUICK.tests, visible=True, seen=QUICK.checks[0].argv)
    hand = Hand([{"calc.py": SOLVED, "test_one.py": ""}])
    row = make_trial(hand, tmp_path).run(task)
    assert (row.visible, row.passed, row.changed_tests) == (True, True, ["test_one.py"])
    assert hand.given[0].test_command.endswith(" -m unittest -v test_one")


def test_a_command_of_the_task_is_given_whatever_is_hidden(tmp_path):
    hand = Hand([{}])
    make_trial(hand, tmp_path).run(replace(QUICK, seen=SEEN))
    assert hand.given[0].test_command.endswith(" -P -c 'import calc'")


# -- plans ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "checks", "score"),
    [
        ("return a + b", {REGRESSION: True, "one": True, "two": True}, 1.0),
        ("return int(a) + int(b)", {REGRESSION: True, "one": True, "two": False}, 0.5),
        ("return a + b if a else 1", {REGRESSION: False, "one": True, "two": True}, 0.0),
    ],
)
def test_the_score_of_a_plan(tmp_path, code, checks, score):
    task = unit_task("plan", old="add(0, 0), 0", one="add(2, 3), 5", two="add('a', 'b'), 'ab'")
    row = make_trial(Hand([{"calc.py": f"def add(a, b):\n    {code}\n"}]), tmp_path).run(task)
    assert (row.checks, row.score, row.passed) == (checks, score, score == 1.0)


# -- stopped, kept, left over --------------------------------------------------------------------


def test_a_cancel_leaves_no_row(tmp_path):
    cancel = threading.Event()
    hand = Hand([{"calc.py": SOLVED}], look=lambda _: cancel.set())
    with pytest.raises(Interrupted):
        make_trial(hand, tmp_path, TWICE, cancel=cancel).run(QUICK)
    assert len(hand.given) == 1


def test_the_folder_of_a_task_is_removed_or_kept(tmp_path):
    make_trial(Hand([{"calc.py": SOLVED}]), tmp_path).run(QUICK)
    assert list(tmp_path.iterdir()) == []
    make_trial(Hand([{"calc.py": SOLVED}]), tmp_path, keep=True).run(QUICK)
    kept = tmp_path / "edit-calc" / "repository" / "calc.py"
    assert kept.read_text(encoding="utf-8") == SOLVED


def test_a_folder_that_was_left_over_does_not_count(tmp_path):
    make_trial(Hand([{"calc.py": SOLVED, "left.txt": ""}]), tmp_path, keep=True).run(QUICK)
    row = make_trial(Hand([{}]), tmp_path).run(QUICK)
    assert (row.passed, row.changed) == (False, [])


def test_what_tools_leave_is_no_change(tmp_path):
    files = {
        "calc.py": SOLVED,
        "__pycache__/calc.pyc": "",
        ".qwenagent/state.json": "{}",
        "target/debug/x": "",
    }
    row = make_trial(Hand([files]), tmp_path).run(QUICK)
    assert (row.changed, row.added, row.removed) == (["calc.py"], 1, 1)


def test_a_name_that_is_not_utf8_can_be_written_down(tmp_path):
    def look(attempt: Attempt) -> None:
        name = b"caf\xe9.txt"
        try:
            Path(attempt.repository, name.decode("utf-8", "surrogateescape")).touch()
        except OSError:
            pytest.skip("this file system takes UTF-8 alone")

    row = make_trial(Hand([{"calc.py": SOLVED}], look=look), tmp_path).run(QUICK)
    assert row.changed == ["caf\\xe9.txt", "calc.py"]


def test_a_file_that_is_gone_is_a_change(tmp_path):
    def look(attempt: Attempt) -> None:
        (attempt.repository / "calc.py").unlink()

    row = make_trial(Hand([{}], look=look), tmp_path).run(QUICK)
    assert (row.changed, row.added, row.removed, row.passed) == (["calc.py"], 0, 2, False)
