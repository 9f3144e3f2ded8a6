"""Whole runs: undone, redone, gone on with, and with the user at work at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from qwenagent.engine.scripted import Reply
from qwenagent.loop import RunOptions, Undoing, finish_killed
from qwenagent.plan import read_plan
from qwenagent.plan.progress import ProgressFile
from qwenagent.protocol.events import StepStarted, Warned
from qwenagent.workspace import ChangedMeanwhile, Repository
from tests.loop_stage import TASK, Stage, body, make_repository

CALC = "def add(a, b):\n    return a - b\n"
HALVE = "def halve(n):\n    return n * 2\n"
FIXED = [CALC.replace("a - b", "a + b"), HALVE.replace("* 2", "/ 2")]
PLAN = """# Two

- [ ] Fix `add` in `calc.py`.
      Test: `grep -qF 'a + b' calc.py`
- [ ] Fix `halve` in `halve.py`.
      Test: `grep -qF 'n / 2' halve.py`
"""
REPLIES = [body(text) for text in FIXED]
NO_COMMIT = RunOptions(commit=False)
TICK = RunOptions(tick=True)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = make_repository(tmp_path / "my repo", {"calc.py": CALC, "halve.py": HALVE})
    (root / "plan.md").write_text(PLAN)
    monkeypatch.chdir(root)
    return root


def run(root: Path, replies: Sequence[Reply], options: RunOptions) -> Stage:
    stage = Stage(root, replies)
    stage.run([read_plan(Path("plan.md"))], "plan", options)
    return stage


def undoing(root: Path) -> Undoing:
    return Undoing(Repository.open(root))


def contents(root: Path) -> list[str]:
    return [(root / name).read_text() for name in ("calc.py", "halve.py", "plan.md")]


def begun(stage: Stage) -> list[int]:
    return [event.number for event in stage.events(StepStarted)]


@pytest.mark.parametrize("options", [RunOptions(), NO_COMMIT, TICK])
def test_the_last_step_is_undone_and_the_next_run_does_it_again(options, root):
    first = run(root, REPLIES, options)
    after, head = contents(root), first.git("rev-parse", "HEAD")
    assert first.states == ["solved", "solved"]
    (turned,) = undoing(root).undo()
    assert (turned.point.about.title, turned.kept) == ("Fix halve in halve.py.", {})
    assert contents(root)[:2] == [FIXED[0], HALVE]
    assert contents(root)[2].count("[x]") == (1 if options.tick else 0)
    if options.commit:
        assert first.git("log", "--format=%s", "main..HEAD") == "Fix add in calc.py."
        assert first.git("status", "--porcelain", "--untracked-files=no") == ""
    second = run(root, REPLIES[1:], options)
    assert (begun(second), second.states[-1]) == ([2], "solved")
    assert contents(root) == after
    assert first.git("rev-parse", "HEAD") == head or options.commit


def test_redone_it_is_not_done_again(root):
    first = run(root, REPLIES, NO_COMMIT)
    after, progress = contents(root), ProgressFile(root).read("plan.md")
    undoing(root).undo()
    undoing(root).redo()
    assert contents(root) == after
    assert ProgressFile(root).read("plan.md").files == progress.files
    assert begun(run(root, [], NO_COMMIT)) == []
    assert first.states == ["solved", "solved"]


def test_a_task_in_a_dirty_tree_is_undone_to_what_the_user_had(root):
    mine = f"{CALC}# mine\n"
    (root / "calc.py").write_text(mine)
    stage = Stage(root, [body(mine.replace("a - b", "a + b"))])
    stage.run_task("Fix `add` in `calc.py`.", TASK)
    assert "a + b" in contents(root)[0]
    undoing(root).undo()
    assert contents(root) == [mine, HALVE, PLAN]
    assert finish_killed(Repository.open(root)) is None


# -- under our feet -------------------------------------------------------------------------------


def acting(act: Callable[[], object], text: str) -> Reply:
    """An answer during which the user does something."""

    def answer(*_: object) -> str:
        act()
        return body(text)

    return answer


def test_the_users_edit_during_a_repair_stays_and_the_run_ends(root):
    """The first answer is wrong; while the second is written, the user saves the same file."""
    broken = CALC.replace("a - b", "a * b")
    mine = f"{CALC}# mine\n"
    stage = Stage(
        root, [body(broken), acting(lambda: (root / "calc.py").write_text(mine), FIXED[0])]
    )
    with pytest.raises(ChangedMeanwhile, match=r"^calc\.py changed while the step"):
        stage.run([read_plan(Path("plan.md"))], "plan", RunOptions())
    assert (root / "calc.py").read_text() == mine
    assert stage.finished.exit_code == 4
    assert "calc.py was changed or committed by somebody else" in stage.events(Warned)[-1].message
    assert stage.git("log", "--format=%s", "main..HEAD") == ""


def test_a_branch_that_is_switched_gets_no_commit(root):
    switch = lambda: Stage(root).git("switch", "-q", "-c", "mine")  # noqa: E731
    stage = Stage(root, [REPLIES[0], acting(switch, FIXED[1])])
    with pytest.raises(ChangedMeanwhile, match="mine was checked out while"):
        stage.run([read_plan(Path("plan.md"))], "plan", RunOptions())
    assert stage.git("log", "--format=%s", "main..mine") == "Fix add in calc.py."
    assert contents(root)[:2] == [FIXED[0], HALVE]


def test_a_commit_of_the_users_stays_below_the_steps(root):
    def commit() -> None:
        (root / "mine.txt").write_text("mine\n")
        Stage(root).git("add", "mine.txt")
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.org")
        Stage(root).git(*identity, "commit", "-qm", "mine")

    stage = Stage(root, [acting(commit, FIXED[0]), REPLIES[1]])
    assert stage.run([read_plan(Path("plan.md"))], "plan", RunOptions()) == 0
    subjects = stage.git("log", "--reverse", "--format=%s", "main..HEAD").splitlines()
    assert subjects == ["mine", "Fix add in calc.py.", "Fix halve in halve.py."]
    undoing(root).restore(1)
    assert stage.git("log", "-1", "--format=%s") == "Fix add in calc.py."
