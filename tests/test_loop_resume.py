"""A plan is run again: what was done stays done, what was not is done, whatever git did between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from qwenagent.engine.scripted import Reply
from qwenagent.errors import DirtyTree, EngineCrashed
from qwenagent.loop import RunOptions, Stop, recover_killed, require_clean
from qwenagent.plan import parse_plan, read_plan
from qwenagent.protocol.events import CheckpointMade, StepStarted, Warned
from qwenagent.workspace import Repository
from tests import killed_run
from tests.conftest import GIT_ENVIRONMENT
from tests.loop_stage import PLAN_RUN, Stage, Yes, body, make_repository

CALC = "def add(a, b):\n    return a - b\n"
SHOUT = "def shout(text):\n    return text\n"
HALVE = "def halve(n):\n    return n * 2\n"
FIXED = [
    CALC.replace("a - b", "a + b"),
    SHOUT.replace("return text", "return text.upper()"),
    HALVE.replace("* 2", "/ 2"),
]
FILES = ["calc.py", "shout.py", "halve.py"]
PLAN = """# Three

- [ ] Fix `add` in `calc.py`.
      Test: `grep -qF 'a + b' calc.py`
- [ ] Fix `shout` in `shout.py`.
      Test: `grep -qF 'upper()' shout.py`
- [ ] Fix `halve` in `halve.py`.
      Test: `grep -qF 'n / 2' halve.py`
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = dict(zip(FILES, (CALC, SHOUT, HALVE), strict=True))
    root = make_repository(tmp_path / "repo", files)
    (root / "plan.md").write_text(PLAN)
    monkeypatch.chdir(root)
    return root


def run(root: Path, replies: Sequence[Reply], options: RunOptions = PLAN_RUN) -> Stage:
    stage = Stage(root, replies)
    plan = read_plan(Path("plan.md"))
    require_clean(Repository.open(root), [plan], ["plan.md"], commit=options.commit)
    stage.run([plan], "plan", options)
    return stage


def stopping(stop: Stop, n: int) -> list[Reply]:
    """Good answers for n steps, then Ctrl-C in the middle of an answer."""

    def interrupt(*_: object) -> str:
        stop.set("interrupted")
        return body(FIXED[n])

    return [*map(body, FIXED[:n]), interrupt]


def begun(stage: Stage) -> list[int]:
    return [event.number for event in stage.events(StepStarted)]


def contents(root: Path) -> list[str]:
    return [(root / name).read_text() for name in FILES]


@pytest.mark.parametrize("n", [0, 1, 2])
def test_interrupted_in_each_step_and_started_again(n, root):
    stop = Stop()
    first = Stage(root, stopping(stop, n), stop=stop)
    plan = read_plan(Path("plan.md"))
    assert first.run([plan], "plan", RunOptions()) == 130
    assert first.git("status", "--porcelain", "--untracked-files=no") == ""
    second = run(root, [body(text) for text in FIXED[n:]])
    assert second.finished.exit_code == 0, second.finished.steps
    assert begun(second) == list(range(n + 1, 4))
    assert second.states == ["solved"] * 3
    assert [line.earlier for line in second.finished.steps] == [True] * n + [False] * (3 - n)
    assert contents(root) == FIXED
    subjects = second.git("log", "--format=%s", "main..HEAD").splitlines()
    assert subjects == [
        "Fix halve in halve.py.", "Fix shout in shout.py.", "Fix add in calc.py.",
    ]  # fmt: skip
    assert second.git("branch", "--format=%(refname:short)").splitlines() == [
        "main", "qwenagent-plan",
    ]  # fmt: skip


def test_a_plan_that_is_done_is_not_done_again(root):
    first = run(root, [body(text) for text in FIXED])
    head = first.git("rev-parse", "HEAD")
    second = run(root, [])
    assert second.finished.exit_code == 0, second.finished.steps
    assert begun(second) == []
    assert second.states == ["solved"] * 3
    assert second.git("rev-parse", "HEAD") == head
    assert "git switch main && git merge qwenagent-plan" in second.finished.next_commands[0]


def test_it_goes_on_from_the_users_own_branch(root):
    run(root, [body(FIXED[0])])
    Stage(root).git("switch", "-q", "main")
    second = run(root, [body(text) for text in FIXED[1:]])
    assert begun(second) == [2, 3]
    assert second.git("branch", "--show-current") == "qwenagent-plan"
    assert contents(root) == FIXED
    assert any("goes on on branch" in e.message for e in second.events(CheckpointMade))


def test_a_merged_branch_counts_and_the_rest_gets_a_new_one(root):
    first = run(root, [body(FIXED[0])])
    first.git("switch", "-q", "main")
    first.git("merge", "-q", "--ff-only", "qwenagent-plan")
    first.git("branch", "-q", "-D", "qwenagent-plan")
    second = run(root, [body(text) for text in FIXED[1:]])
    assert begun(second) == [2, 3]
    assert contents(root) == FIXED


def test_a_squashed_branch_counts(root):
    first = run(root, [body(FIXED[0])])
    first.git("switch", "-q", "main")
    first.git("merge", "-q", "--squash", "qwenagent-plan")
    first.git("-c", "user.name=A", "-c", "user.email=a@example.org", "commit", "-q", "--no-edit")
    first.git("branch", "-q", "-D", "qwenagent-plan")
    second = run(root, [body(text) for text in FIXED[1:]])
    assert begun(second) == [2, 3]


def test_a_discarded_branch_is_done_again_and_said(root):
    first = run(root, [body(text) for text in FIXED])
    first.git("switch", "-q", "main")
    first.git("branch", "-q", "-D", "qwenagent-plan")
    second = run(root, [body(text) for text in FIXED])
    assert begun(second) == [1, 2, 3]
    assert any("3 step(s) were done once" in e.message for e in second.events(Warned))
    assert contents(root) == FIXED


def test_restart_forgets(root):
    run(root, [body(FIXED[0])])
    Stage(root).git("switch", "-q", "main")
    second = run(root, [body(text) for text in FIXED], RunOptions(restart=True))
    assert begun(second) == [1, 2, 3]
    assert second.git("branch", "--show-current") == "qwenagent-plan-2"


def test_editing_a_step_keeps_those_before(root):
    run(root, [body(text) for text in FIXED])
    (root / "plan.md").write_text(PLAN.replace("Fix `halve`", "Mend `halve`"))
    second = run(root, [])
    assert begun(second) == [3]


def test_ticking_changes_nothing(root):
    first = run(root, [body(FIXED[0])], RunOptions(tick=True))
    text = (root / "plan.md").read_text()
    assert text == PLAN.replace("[ ]", "[x]", 1)
    assert first.states[0] == "solved"
    (root / "plan.md").write_text(PLAN)
    assert begun(run(root, [])) == [2, 3]


def test_without_commits_it_goes_on_only_from_the_tree_as_it_was_left(root):
    options = RunOptions(commit=False)
    run(root, [body(FIXED[0])], options)
    second = run(root, [body(FIXED[1])], options)
    assert begun(second) == [2, 3]
    (root / "calc.py").write_text("mine\n")
    with pytest.raises(DirtyTree):
        run(root, [], options)
    Stage(root).git("checkout", "-q", "--", ".")
    third = run(root, [], options)
    assert begun(third) == [1, 2, 3]


def test_work_without_commits_is_no_clean_tree_for_a_run_with_them(root):
    run(root, [body(FIXED[0])], RunOptions(commit=False))
    with pytest.raises(DirtyTree, match=r"calc\.py"):
        run(root, [])


def test_an_engine_that_dies_leaves_what_was_done(root):
    first = Stage(root, [body(FIXED[0]), *[EngineCrashed("gone") for _ in range(60)]])
    first.run([read_plan(Path("plan.md"))], "plan", RunOptions())
    assert first.states == ["solved", "blocked", "blocked"]
    second = run(root, [body(text) for text in FIXED[1:]])
    assert begun(second) == [2, 3]
    assert contents(root) == FIXED


def test_two_plans_are_carried_out_in_order_with_one_report(root):
    texts = PLAN.split("- [ ] ")
    one = parse_plan(f"# One\n\n- [ ] {texts[1]}", str(root / "one.md"))
    two = parse_plan(f"# Two\n\n- [ ] {texts[2]}- [ ] {texts[3]}", str(root / "two.md"))
    stage = Stage(root, [body(text) for text in FIXED])
    assert stage.run([one, two], "plan", RunOptions()) == 0
    assert [line.id for line in stage.finished.steps] == ["1.1", "2.1", "2.2"]
    assert {line.plan for line in stage.finished.steps} == {one.path, two.path}
    assert contents(root) == FIXED
    assert stage.git("log", "-1", "--format=%s", "qwenagent-one") == "Fix add in calc.py."
    assert stage.git("log", "-1", "--format=%s", "qwenagent-two") == "Fix halve in halve.py."
    assert isinstance(stage.approver, Yes)
    assert len(stage.approver.asked) == 1


def test_stop_on_block_ends_the_whole_queue(root):
    one = parse_plan(PLAN, str(root / "one.md"))
    two = parse_plan("- [ ] Fix `halve` in `halve.py`.\n", str(root / "two.md"))
    stage = Stage(root, [])
    assert stage.run([one, two], "plan", RunOptions(stop_on_block=True)) == 1
    assert stage.states == ["blocked", "skipped", "skipped", "skipped"]
    assert begun(stage) == [1]


# -- killed ---------------------------------------------------------------------------------------


@pytest.fixture
def three(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A plan with an edit, a command and a given test, in a folder with a space."""
    root = make_repository(tmp_path / "a repo", killed_run.FILES)
    (root / "plan.md").write_text(killed_run.PLAN)
    monkeypatch.chdir(root)
    return root


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[subprocess.Popen[str]]:
    """The program that starts runs and has them killed; as isolated as the tests are."""
    foreign = ("GIT_", "QWENAGENT_")
    env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    env |= {**GIT_ENVIRONMENT, "QWENAGENT_HOME": str(tmp_path_factory.mktemp("home"))}
    project = str(Path(__file__).parent.parent)
    code = (
        f"import sys; sys.path.insert(0, {project!r}); from tests import killed_run as k; k.serve()"
    )
    command, pipe = [sys.executable, "-c", code], subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env) as started:
        yield started
        assert started.stdin
        started.stdin.close()


@pytest.fixture
def kill(killer: subprocess.Popen[str], three: Path) -> Callable[..., None]:
    """Run the plan in a process that is killed at a point."""

    def to(point: str, *flags: str) -> None:
        assert killer.stdin
        assert killer.stdout
        killer.stdin.write(json.dumps([str(three), point, *flags]) + "\n")
        killer.stdin.flush()
        assert int(killer.stdout.readline()) == -signal.SIGKILL

    return to


def commits(root: Path) -> str:
    return Stage(root).git("log", "--reverse", "--format=%s%n%T", "main..HEAD")


# What a run without interruption leaves: the ids of the trees are those of their contents.
WHOLE = """Fix add in calc.py.
f0f92e219893eaee4fbdc0b99d6cacc82c32674a
Make the table with sh make.sh.
f0b31a521269ce1b2991a3b1d3cf40df39c470ce
Fix halve in halve.py.
1c629cc28b547b5ab48725ee0516a0c4ffff4ca8"""


# From each of these to the next point, or from the one before, nothing is written.
AS_ITS_NEIGHBOUR = ("after the branch", "before the tests", "just after a commit")
POINTS = [
    pytest.param(point, marks=[pytest.mark.slow] if point in AS_ITS_NEIGHBOUR else [])
    for point in killed_run.POINTS
]


@pytest.mark.parametrize("point", POINTS)
def test_killed_and_started_again(point, kill, three):
    kill(point)
    (three / "mine.txt").write_text("mine\n")
    (three / "notes.md").write_text("mine\n")
    repository = Repository.open(three)
    recover_killed(repository)
    assert repository.changes() == ["notes.md"]
    assert (three / "mine.txt").read_text() == (three / "notes.md").read_text() == "mine\n"
    Stage(three).git("checkout", "-q", "--", "notes.md")

    n_done = len(commits(three).splitlines()) // 2
    second = run(three, list(killed_run.replies(n_done + 1)))
    assert second.finished.exit_code == 0, second.finished.steps
    assert begun(second) == list(range(n_done + 1, 4))
    assert commits(three) == WHOLE
    assert second.git("branch", "--format=%(refname:short)").split() == ["main", "qwenagent-plan"]
    assert second.git("status", "--porcelain").splitlines() == ["?? mine.txt", "?? plan.md"]
    assert recover_killed(repository) is None


@pytest.mark.parametrize("point", killed_run.WITH_TICKS)
def test_killed_with_ticks(point, kill, three):
    """What is ticked is done, and what is done is ticked."""
    if "tree" in point:
        Stage(three).git("add", "plan.md")
        Stage(three).git("commit", "-qm", "plan")
    kill(point, "tick")
    recover_killed(Repository.open(three))
    n_done = 0 if "tree" in point else 3
    assert (three / "plan.md").read_text().count("[x]") == max(n_done - 1, 0)
    second = run(three, list(killed_run.replies(n_done + 1)), RunOptions(tick=True))
    assert second.finished.exit_code == 0, second.finished.steps
    assert begun(second) == list(range(n_done + 1, 4))
    assert (three / "plan.md").read_text() == killed_run.PLAN.replace("[ ]", "[x]")
    assert second.git("status", "--porcelain", "--untracked-files=no") == ""


def test_killed_without_commits(kill, three):
    kill("after the progress", "no-commit")
    assert recover_killed(Repository.open(three)) == Warned(
        "an earlier run was killed: `Fix add in calc.py.` was just done, and is kept"
    )
    second = run(three, list(killed_run.replies(2)), RunOptions(commit=False))
    assert (second.finished.exit_code, begun(second)) == (0, [2, 3])
    assert (three / "calc.py").read_text() == killed_run.CALC.replace("a - b", "a + b")


def test_killed_before_the_progress_without_commits(kill, three):
    kill("before the progress", "no-commit")
    told = recover_killed(Repository.open(three))
    assert told == Warned(
        "an earlier run was killed: 1 file(s) are as they were before its unfinished step: calc.py"
    )
    assert Stage(three).git("status", "--porcelain") == "?? plan.md"


def test_killed_in_a_command(kill, three):
    """Who changed what is not known then: all stays, and the way back is told."""
    kill("in a command")
    repository = Repository.open(three)
    told = recover_killed(repository)
    assert told is not None
    assert told.message == (
        "an earlier run was killed while `sh make.sh` ran: 2 file(s) differ from before that "
        "command and are left as they are: README.md, out/a table.txt"
    )
    assert repository.changes() == ["README.md"]
    command = told.hint.split("`")[1]
    subprocess.run(["sh", "-c", command], cwd=three, check=True)
    assert run(three, list(killed_run.replies(2))).finished.exit_code == 0
    assert commits(three) == WHOLE


def test_what_was_changed_after_the_kill_is_left_alone_and_told(kill, three):
    kill("after an edit")
    (three / "calc.py").write_text("mine\n")
    told = recover_killed(Repository.open(three))
    assert told == Warned(
        "an earlier run was killed: 1 file(s) were changed since and left alone: calc.py"
    )
    assert (three / "calc.py").read_text() == "mine\n"
    with pytest.raises(DirtyTree, match=r"calc\.py"):
        run(three, [])
