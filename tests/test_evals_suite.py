"""The tasks that ship: each is solved by its author's solution, and by nobody who does nothing."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from qwenagent.evals import IdleArm, Kind, OracleArm, Task, shipped_tasks
from qwenagent.evals.grading import missing_tool
from qwenagent.evals.task import REGRESSION
from tests.evals_stage import make_grader, make_trial
from tests.needs import program

KINDS: tuple[Kind, ...] = ("edit", "fix", "plan")
TASKS = [task for kind in KINDS for task in shipped_tasks(kind)]
BUILD_S = 240.0
"""The first build of Go's own library, beside other tests."""
each_task = pytest.mark.parametrize("task", TASKS, ids=[task.name for task in TASKS])


def easiest() -> set[str]:
    """Of each kind in each language one; the others are as their authors left them."""
    easy = sorted(TASKS, key=lambda task: (task.level, task.name))
    firsts = {(task.kind, task.language): task.name for task in reversed(easy)}
    return set(firsts.values())


OFTEN = easiest()
each_trial = pytest.mark.parametrize(
    "task",
    [pytest.param(t, marks=[] if t.name in OFTEN else [pytest.mark.slow]) for t in TASKS],
    ids=[task.name for task in TASKS],
)


@pytest.fixture(scope="session")
def builds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for what compilers keep, of all tests and of all processes that run them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "evals-builds"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def here(task: Task) -> None:
    """Skip a task whose tool this machine lacks."""
    if tool := missing_tool(task, os.environ):
        program(tool)


@each_trial
@pytest.mark.usefixtures("here")
def test_the_solution_of_its_author_solves_it(task, builds, tmp_path):
    row = make_trial(OracleArm(), tmp_path, grader=make_grader(BUILD_S, builds)).run(task)
    assert row.checks == {check.name: True for check in task.checks}
    assert (row.passed, row.score, row.tests_failed) == (True, 1.0, 0)
    assert set(row.changed) == set(task.oracle or {})
    assert row.changed_tests == []


@each_trial
@pytest.mark.usefixtures("here")
def test_who_does_nothing_solves_nothing(task, builds, tmp_path):
    row = make_trial(IdleArm(), tmp_path, grader=make_grader(BUILD_S, builds)).run(task)
    steps = {name: row.checks[name] for name in task.steps}
    if task.kind == "plan":
        assert steps == dict.fromkeys(task.steps, False)
    assert not all(steps.values())
    assert row.checks.get(REGRESSION, True)
    assert (row.passed, row.changed) == (False, [])
    assert row.score == round(sum(steps.values()) / len(steps), 4)


def test_there_are_enough_of_every_kind_and_size():
    assert len(TASKS) >= 24
    assert {task.language for task in TASKS} == {"python", "javascript", "rust", "go"}
    assert {task.level for task in TASKS} == {1, 2, 3}
    assert {task.kind for task in TASKS} == set(KINDS)
    longest = max(text.count("\n") for task in TASKS for text in task.base.values())
    assert longest > 500
    assert any(len(task.files) > 1 for task in TASKS)
    assert all(len(task.steps) > 1 for task in TASKS if task.kind == "plan")


def test_no_two_are_called_the_same():
    assert [name for name, n in Counter(task.id for task in TASKS).items() if n > 1] == []
    assert len({task.digest for task in TASKS}) == len(TASKS)


@each_task
def test_it_says_what_it_is_about(task):
    assert task.prompt.strip()
    assert set(task.files) == set(task.oracle or {})
    unknown = [name for name in task.files if name not in task.base and name not in task.prompt]
    assert unknown == []
    hidden = {name for name in task.tests if name not in task.base}
    assert bool(hidden) == (task.kind != "fix")


@pytest.mark.parametrize("task", [t for t in TASKS if t.visible], ids=lambda task: task.name)
def test_the_tests_of_a_visible_task_are_there_from_the_start(task):
    assert task.tests == {name: task.base[name] for name in task.tests}
    assert task.seen == task.checks[0].argv
