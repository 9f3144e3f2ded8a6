"""Whole runs with a scripted engine: the order of events, the endings, the final tree."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import LoopSettings, Settings, TestSettings
from qwenagent.errors import ApprovalNeeded, EngineCrashed
from qwenagent.loop import RunOptions, Stop
from qwenagent.loop.editing.asker import header_text
from qwenagent.protocol.events import (
    CandidateScored,
    CheckpointMade,
    ContextBuilt,
    EditApplied,
    StepEnded,
    TestsRan,
    TestsStarted,
    ToolEnded,
    TurnEnded,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.json import Json
from qwenagent.protocol.messages import Completion, Usage
from qwenagent.protocol.tools import ToolCall
from tests.loop_stage import BROKEN, COMMAND, FIXED, MODULE, TEST, Stage, Yes, body, make_repository

THOUGHT = "The operator in add is wrong."
PLAN = f"# Plan\n\n- [ ] Fix `add` in `calc.py`: it subtracts.\n      Test: `{COMMAND}`\n"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    files = {"calc.py": MODULE, "test_calc.py": TEST, ".gitignore": "__pycache__/\n"}
    return make_repository(tmp_path / "repo", files)


def call_end(name: str, **arguments: Json) -> str:
    """A call as the model completes it after the forced opening."""
    return header_text(ToolCall(name, arguments)).removeprefix('{"name": "')


def test_a_step_that_turns_its_test_green_is_solved_and_committed(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan(PLAN) == 0
    assert stage.states == ["solved"]
    assert (root / "calc.py").read_text() == FIXED
    assert stage.git("branch", "--show-current") == "qwenagent-plan"
    message = stage.git("log", "-1", "--format=%B")
    assert "Qwenagent-Step: 1/1 " in message
    assert message.endswith("Qwenagent-Result: solved")
    assert stage.git("status", "--porcelain") == ""
    assert stage.git("rev-parse", "main") == stage.git("rev-parse", "HEAD~1")
    assert "git switch main && git merge qwenagent-plan" in stage.finished.next_commands[0]


def test_the_order_of_events(root):
    stage = Stage(root, [body(FIXED)])
    stage.run_plan(PLAN)
    silent = ("TokenDelta", "Progress")
    names = [type(r.event).__name__ for r in stage.records]
    assert [n for n in names if n not in silent] == [
        "RunStarted",
        "ApprovalAsked",
        "ApprovalAnswered",
        "CheckpointMade",
        "TestsStarted",
        "TestsRan",
        "TestsStarted",
        "TestsRan",
        "StepStarted",
        "TestsStarted",
        "TestsRan",
        "ContextBuilt",
        "TurnStarted",
        "TurnEnded",
        "ToolStarted",
        "ToolEnded",
        "EditApplied",
        "TestsStarted",
        "TestsRan",
        "TestsStarted",
        "TestsRan",
        "CandidateScored",
        "CheckpointMade",
        "StepEnded",
        "Finished",
    ]
    assert [r.seq for r in stage.records] == list(range(1, len(stage.records) + 1))
    in_step = [r.step for r in stage.records if isinstance(r.event, TurnStarted | StepEnded)]
    assert set(in_step) == {"1"}
    assert stage.records[-1].step == ""


def test_a_command_is_shown_before_it_runs(root):
    stage = Stage(root, [body(FIXED)])
    stage.run_plan(PLAN)
    told = [r.event for r in stage.records if isinstance(r.event, TestsStarted | TestsRan)]
    for started, ran in zip(told[::2], told[1::2], strict=True):
        assert isinstance(started, TestsStarted)
        assert isinstance(ran, TestsRan)
        assert started.command == ran.run.command


def test_red_tests_lead_to_a_repair_of_the_first_attempt(root):
    stage = Stage(root, [body(BROKEN), THOUGHT, body(FIXED)])
    assert stage.run_plan(PLAN) == 0
    scored = stage.events(CandidateScored)
    assert [(s.candidate, s.best) for s in scored] == [(0, False), (1, True)]
    assert (root / "calc.py").read_text() == FIXED
    thinking, editing = stage.engine.prompts[1:]
    assert BROKEN.strip() in thinking.messages[-1].text
    assert [m.text for m in editing.messages[2:]] == [
        THOUGHT,
        "Write the complete new content of calc.py.",
    ]


def test_an_attempt_that_is_a_gain_is_kept_and_repaired(root):
    test = TEST + "\n    def test_twice(self):\n        self.assertEqual(twice(4), 8)\n"
    (root / "test_calc.py").write_text(test)
    half = MODULE.replace("add(a, a)", "a + a")
    stage = Stage(root, [body(half), THOUGHT, body(half.replace("a - b", "a + b"))])
    assert stage.run_plan(PLAN, RunOptions(commit=False)) == 0
    scored = stage.events(CandidateScored)
    assert [(s.newly_passed, s.best) for s in scored] == [(1, True), (1, True)] or scored[0].best
    assert "a + a" in stage.engine.prompts[1].messages[-1].text


def test_a_step_that_stays_red_is_rolled_back_and_its_best_attempt_kept(root):
    worse = MODULE.replace("a - b", "a // b")
    other = MODULE.replace("a - b", "b - a")
    stage = Stage(root, [body(BROKEN), THOUGHT, body(worse), THOUGHT, body(other)])
    assert stage.run_plan(PLAN) == 1
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE
    patch = root / stage.finished.steps[0].patch
    assert patch.read_text().startswith("diff --git a/calc.py b/calc.py\n")
    stage.git("apply", "--check", str(patch))
    assert stage.git("status", "--porcelain") == ""  # .qwenagent/ ignores itself


def test_what_turns_green_tests_red_is_no_solution(root):
    (root / "test_other.py").write_text(
        "import unittest\nimport calc\n\n\nclass T(unittest.TestCase):\n"
        "    def test_minus(self):\n        self.assertEqual(calc.add(3, 2), 1)\n"
    )
    stage = Stage(root, [body(FIXED)], settings=Settings(loop=LoopSettings(repairs=0)))
    stage.git("add", "-A")
    stage.git("-c", "user.name=A", "-c", "user.email=a@b", "commit", "-qm", "more")
    assert stage.run_plan(PLAN) == 1
    assert "passed before" in stage.finished.steps[0].reason
    assert (root / "calc.py").read_text() == MODULE


@pytest.mark.parametrize(
    "command", ["true", "echo ok", "python3 -m unittest -v test_nothing_here || true"]
)
def test_a_command_that_cannot_fail_is_no_evidence(root, command):
    (root / "test_calc.py").unlink()
    stage = Stage(root, [body(FIXED)])
    plan = f"- [ ] Fix `add` in `calc.py`.\n      Test: `{command}`\n"
    assert stage.run_plan(plan, RunOptions(commit=False)) == 0
    assert stage.states == ["unverified"]
    assert any("cannot fail" in w.message for w in stage.events(Warned))


def test_an_unverified_step_is_committed_and_marked(root):
    stage = Stage(root, [body(MODULE + "\n\nTEN = 10\n")])
    assert stage.run_plan("- [ ] Add a constant TEN to `calc.py`.\n") == 0
    assert stage.states == ["unverified"]
    assert stage.git("log", "-1", "--format=%B").endswith("Qwenagent-Result: unverified")


def test_a_test_that_the_step_wrote_itself_is_no_evidence(root):
    test = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n"
    stage = Stage(root, [body(test)])
    plan = "- [ ] Write `test_more.py`.\n      Test: `python3 -m unittest -v test_more`\n"
    assert stage.run_plan(plan) == 0
    assert stage.states == ["unverified"]
    assert "wrote itself" in stage.finished.steps[0].reason


def test_steps_that_need_a_blocked_one_are_skipped_and_others_go_on(root):
    plan = (
        f"1. Write `util.py`.\n   Test: `{COMMAND}`\n"
        "2. Use `util.py` in `calc.py`.\n"
        f"3. Fix `add` in `calc.py`.\n   Test: `{COMMAND}`\n"
        "4. Say so in `README.md`.\n   Depends on: 2\n   Files: README.md\n"
    )
    wrong = [body("X = 0\n"), THOUGHT, body("X = 1\n"), THOUGHT, body("X = 2\n")]
    stage = Stage(root, [*wrong, body(FIXED)])
    assert stage.run_plan(plan) == 1
    assert stage.states == ["blocked", "skipped", "solved", "skipped"]
    reasons = [line.reason for line in stage.finished.steps]
    assert "util.py, which step 1 was to create" in reasons[1]
    assert "depends on step 2" in reasons[3]
    assert not (root / "util.py").exists()


def test_a_body_that_ends_by_length_is_never_applied(root):
    cut = Completion("def add(a, b):\n", "length", Usage(completion_tokens=5, calls=1))
    stage = Stage(root, [cut, THOUGHT, body(FIXED)])
    assert stage.run_plan(PLAN) == 0
    assert len(stage.events(ToolEnded)) == 1
    assert [t.stop for t in stage.events(TurnEnded)] == ["length", "stop", "stop"]


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (MODULE, "leaves calc.py as it is"),
        ("def add(a, b:\n", "would not parse"),
        ("class Sums:\n    def add(self, a, b):\n        return a + b\n", "would lose add"),
        (f"{FIXED}\n\n# ... rest of the code ...\n", "stands for code"),
    ],
)
def test_an_edit_that_fails_a_check_is_asked_for_again_and_not_tested(root, code, why):
    plan = f"- [ ] Mend `calc.py`.\n      Test: `{COMMAND}`\n"
    stage = Stage(root, [body(code), THOUGHT, body(FIXED)])
    assert stage.run_plan(plan) == 0
    first, second = stage.events(ToolEnded)
    assert first.result.is_error
    assert why in first.result.content
    assert not second.result.is_error
    assert len(stage.events(EditApplied)) == 1


def test_an_engine_that_dies_costs_one_answer(root):
    stage = Stage(root, [EngineCrashed("the engine worker died (signal SIGABRT)"), body(FIXED)])
    assert stage.run_plan(PLAN) == 0
    assert "starting it again" in stage.events(Warned)[0].message


def test_an_engine_that_keeps_dying_blocks_the_step(root):
    stage = Stage(root, [EngineCrashed("the engine worker died (signal SIGABRT)")] * 3)
    assert stage.run_plan(PLAN) == 1
    assert "SIGABRT" in stage.finished.steps[0].reason


def test_files_are_created_before_the_tests_run(root):
    plan = (
        "- [ ] Write `more.py` and use it.\n      Files: `more.py`, `calc.py`\n"
        f"      Test: `{COMMAND}`\n"
    )
    using = "from more import plus\n\n\n" + MODULE.replace("a - b", "plus(a, b)")
    stage = Stage(root, [body("def plus(a, b):\n    return a + b\n"), body(using)])
    assert stage.run_plan(plan) == 0
    assert [e.path for e in stage.events(EditApplied)] == ["more.py", "calc.py"]
    assert len([t for t in stage.events(TestsStarted) if t.why == "step"]) == 1
    assert stage.git("show", "--name-only", "--format=", "HEAD").split() == ["calc.py", "more.py"]


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """Two files, and a test that is content with one."""
    files = {"calc.py": MODULE, "more.py": "A = 1\n", "test_calc.py": TEST}
    return make_repository(tmp_path / "sums", files)


TWO_FILES = (
    "- [ ] Let `add` do it, and name it.\n      Files: `calc.py`, `more.py`\n"
    f"      Test: `{COMMAND}`\n"
)


def test_all_files_that_a_step_lists_are_changed_before_the_tests_run(sums):
    stage = Stage(sums, [body(FIXED), body("A = 2\n")])
    assert stage.run_plan(TWO_FILES) == 0
    assert [e.path for e in stage.events(EditApplied)] == ["calc.py", "more.py"]
    assert len([t for t in stage.events(TestsStarted) if t.why == "step"]) == 1


def test_a_listed_file_that_stays_as_it_is_holds_nothing_up(sums):
    stage = Stage(sums, [body("A = 1\n"), body(FIXED)])
    stage.run_plan(TWO_FILES.replace("`calc.py`, `more.py`", "`more.py`, `calc.py`"))
    assert stage.states == ["solved"]
    assert [e.path for e in stage.events(EditApplied)] == ["calc.py"]


def test_a_task_works_on_the_tree_as_it_is_and_leaves_the_edit(root):
    (root / "notes.txt").write_text("mine\n")
    (root / "test_calc.py").write_text(TEST + "\n# mine\n")
    settings = Settings(tests=TestSettings(command=COMMAND))
    stage = Stage(root, [body(FIXED)], settings=settings)
    assert stage.run_task("`add` in calc.py subtracts; make it add") == 0
    assert stage.git("branch", "--show-current") == "main"
    assert stage.git("status", "--porcelain").split("\n") == [
        "M calc.py",
        " M test_calc.py",
        "?? notes.txt",
    ]
    [undo] = stage.finished.next_commands
    stage.git(*undo.split("  #")[0].split()[1:])
    assert (root / "calc.py").read_text() == MODULE
    assert (root / "notes.txt").read_text() == "mine\n"


def test_a_task_may_be_committed_without_what_else_is_changed(root):
    (root / "test_calc.py").write_text(TEST + "\n# mine\n")
    settings = Settings(tests=TestSettings(command=COMMAND))
    stage = Stage(root, [body(FIXED)], settings=settings)
    assert stage.run_task("fix add in calc.py", RunOptions(branch=False, commit=True)) == 0
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "calc.py"
    assert stage.git("status", "--porcelain") == "M test_calc.py"


def test_no_commit_leaves_one_diff(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan(PLAN, RunOptions(commit=False)) == 0
    assert stage.git("branch", "--show-current") == "main"
    assert stage.git("status", "--porcelain") == "M calc.py"
    assert "+    return a + b" in stage.finished.diff


def test_here_commits_on_the_present_branch(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan(PLAN, RunOptions(branch=False)) == 0
    assert stage.git("log", "--format=%s", "main").split("\n")[1] == "start"


def test_commands_have_to_be_approved(root):
    stage = Stage(root, [body(FIXED)], approver=Yes(granted=False))
    with pytest.raises(ApprovalNeeded):
        stage.run_plan(PLAN)
    assert not stage.events(TestsStarted)
    assert stage.git("branch", "--show-current") == "main"
    assert (stage.finished.exit_code, stage.states) == (5, ["skipped"])


def test_the_users_own_command_needs_no_approval(root):
    settings = Settings(tests=TestSettings(command=COMMAND))
    stage = Stage(root, [body(FIXED)], approver=Yes(granted=False), settings=settings)
    assert stage.run_task("fix `add` in calc.py") == 0


def test_an_interrupted_step_leaves_the_tree_as_it_was(root):
    stop = Stop()

    def interrupt(_prompt):
        stop.set("interrupted")
        return body(BROKEN)

    stage = Stage(root, [interrupt], stop=stop)
    assert stage.run_plan(PLAN) == 130
    assert stage.states == ["blocked"]
    assert (root / "calc.py").read_text() == MODULE
    assert stage.git("status", "--porcelain") == ""


def test_a_time_limit_is_a_normal_ending(root):
    ticks = iter([0.0] + [100.0] * 1000)
    stop = Stop(10, clock=lambda: next(ticks))
    stage = Stage(root, [body(FIXED)], stop=stop)
    assert stage.run_plan(PLAN) == 1
    assert "time limit of 10 s" in stage.finished.reason


def test_a_task_without_files_looks_around_first(root):
    looked = call_end("search", text="return a - b")
    stage = Stage(
        root,
        [looked, call_end("edit"), call_end("rewrite_file", path="calc.py"), body(FIXED)],
        settings=Settings(tests=TestSettings(command=COMMAND)),
    )
    assert stage.run_task("adding two numbers gives the wrong sum") == 0
    assert [t.phase for t in stage.events(TurnStarted)] == ["gather", "gather", "edit"]
    assert "calc.py:2: return a - b" in stage.engine.prompts[1].messages[-1].text


def test_done_ends_a_step_that_no_test_speaks_for(tmp_path):
    root = make_repository(tmp_path / "r", {"a.py": "A = 1\n", "b.py": "B = 1\n"})
    stage = Stage(
        root,
        [
            call_end("rewrite_file", path="a.py"),
            body("A = 2\n"),
            call_end("done", summary="A is 2"),
        ],
    )
    assert stage.run_plan("- [ ] Set A in `a.py`; `b.py` shows how.\n") == 0
    assert stage.states == ["unverified"]
    assert (root / "b.py").read_text() == "B = 1\n"


def test_ticked_steps_are_left_out(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan("- [x] Done in `gone.py`.\n" + PLAN.split("\n\n")[1]) == 0
    assert [line.number for line in stage.finished.steps] == [2]


def test_what_went_into_the_prompt_and_what_did_not_is_told(root):
    (root / "big.py").write_text("\n".join(f"def f{i}(): return {i}" for i in range(59)) * 1)
    small = replace(Stage(root).profile, context_tokens=500)
    stage = Stage(root, [body(FIXED)], profile=small)
    stage.run_plan(PLAN, RunOptions(commit=False))
    [built] = stage.events(ContextBuilt)
    assert built.n_tokens <= built.budget_tokens == 500
    assert "file calc.py" in [item.what for item in built.included]
    assert "other big.py" in [item.what for item in built.left_out]


def test_a_repository_without_commits_of_its_own_author_still_works(root):
    stage = Stage(root, [body(FIXED)], settings=Settings(loop=LoopSettings(repairs=0)))
    assert stage.run_plan(PLAN) == 0
    assert stage.git("log", "-1", "--format=%an") != ""


def test_a_rolled_back_step_is_told(root):
    stage = Stage(root, [body(BROKEN)], settings=Settings(loop=LoopSettings(repairs=0)))
    assert stage.run_plan(PLAN) == 1
    assert "rollback" in [c.kind for c in stage.events(CheckpointMade)]


def test_calls_are_written_in_one_way():
    assert json.loads(header_text(ToolCall("read_file", {"path": "ä.py", "start": 1}))) == {
        "name": "read_file",
        "arguments": {"path": "ä.py", "start": 1},
    }


def test_in_a_folder_of_a_monorepo_its_own_tests_run_there(tmp_path):
    files = {
        "packages/one/pyproject.toml": "[project]\nname = 'one'\n",
        "packages/one/calc.py": MODULE,
        "packages/one/test_calc.py": TEST,
        "packages/two/package.json": '{"scripts": {"test": "node --test"}}',
        ".gitignore": "__pycache__/\n",
    }
    stage = Stage(make_repository(tmp_path / "repo", files), [body(FIXED)])
    plan = "- [ ] Fix `add` in `packages/one/calc.py`: it subtracts.\n"
    assert stage.run_plan(plan, RunOptions(folder="packages/one")) == 0
    assert stage.states == ["solved"]
    assert stage.events(TestsStarted)[0].command == "python -m unittest discover -v -s ."
    assert stage.events(TestsRan)[0].run.n_failed == 1


def test_a_class_of_the_file_beside_is_imported(tmp_path):
    files = {"model.py": "class Task:\n    pass\n", "tests/test_model.py": "class Task: ...\n"}
    root = make_repository(tmp_path / "repo", files)
    stage = Stage(root, [body("def first():\n    return Task()\n")])
    stage.run_plan("- [ ] Write `store.py` with `first()`, which makes a task.\n")
    code = (root / "store.py").read_text()
    assert code == "from model import Task\n\n\ndef first():\n    return Task()\n"


def test_several_projects_are_named_where_no_tests_are_found(tmp_path):
    files = {
        "one/Cargo.toml": "[package]\nname = 'one'\nversion = '0.1.0'\n",
        "two/package.json": '{"scripts": {"test": "node --test"}}',
        "calc.txt": "a\n",
    }
    stage = Stage(make_repository(tmp_path / "repo", files))
    stage.run_plan("- [ ] Change `calc.txt`.\n")
    (warned,) = [e.message for e in stage.events(Warned) if "no test command" in e.message]
    assert "one (cargo test)" in warned
    assert "two (npm test)" in warned
