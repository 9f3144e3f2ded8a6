"""Whole runs of steps that are no plain edit: commands, given tests, examples, what is left to you.

The engine is scripted; git, commands and tests are real.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import Settings, TestSettings
from qwenagent.engine.scripted import Reply
from qwenagent.errors import ApprovalNeeded
from qwenagent.loop import RunOptions, Stop
from qwenagent.plan import parse_plan, read_plan
from qwenagent.protocol.events import CheckpointMade, PlanStarted
from tests.kinds_stage import CALC, FIXED, GIVEN, ONE_TRY, THOUGHT, status, warnings
from tests.loop_stage import PLAN_RUN, Stage, Yes, body, make_repository

EXAMPLE = "- [ ] Fix `add` in `calc.py`: `add(2, 3)` returns `5`.\n"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    files = {"calc.py": CALC, "README.md": "# R\n", ".gitignore": "__pycache__/\n"}
    root = make_repository(tmp_path / "a repo", files)
    monkeypatch.chdir(root)
    return root


def command_step(script: str, root: Path) -> str:
    """A step that runs a shell script of the project."""
    (root / "do.sh").write_text(script)
    Stage(root).git("add", "do.sh")
    Stage(root).git("commit", "-qm", "do.sh")
    return "- [ ] Run `sh do.sh`.\n      Kind: command\n"


# -- commands -------------------------------------------------------------------------------------


def test_a_command_is_committed_with_new_changed_and_deleted_files(root):
    script = "mkdir new\necho x > 'new/a b.txt'\necho more >> README.md\nrm calc.py\n"
    stage = Stage(root)
    assert stage.run_plan(command_step(script, root)) == 0
    assert stage.states == ["solved"]
    assert stage.finished.steps[0].reason == "`sh do.sh` ended with exit code 0"
    names = stage.git("show", "--name-status", "--format=", "HEAD").splitlines()
    assert names == ["M\tREADME.md", "D\tcalc.py", "A\tnew/a b.txt"]
    assert status(root) == ""


def test_a_command_that_only_makes_a_file_executable_is_committed(root):
    stage = Stage(root)
    assert stage.run_plan(command_step("chmod +x do.sh\n", root)) == 0
    assert stage.git("ls-tree", "HEAD", "do.sh").startswith("100755")
    assert status(root) == ""


def test_a_failing_command_is_taken_back_and_kept_as_a_patch(root):
    script = "echo x > new.txt\necho more >> README.md\nchmod +x calc.py\nrm calc.py\nexit 3\n"
    plan = command_step(script, root)
    stage = Stage(root)
    assert stage.run_plan(plan) == 1
    [line] = stage.finished.steps
    assert (line.state, line.reason) == ("blocked", "`sh do.sh` ended with exit code 3")
    assert (root / "calc.py").read_text() == CALC
    assert status(root) == ""
    stage.git("apply", "--check", line.patch)
    assert "+more" in (root / line.patch).read_text()
    assert "rollback" in [event.kind for event in stage.events(CheckpointMade)]


def test_a_command_that_breaks_green_tests_is_taken_back(root):
    plan = command_step("sed -i.bak 's/a - b/a * b/' calc.py && rm calc.py.bak\n", root)
    settings = Settings(tests=TestSettings(command="grep -q 'a - b' calc.py"))
    stage = Stage(root, settings=settings)
    assert stage.run_plan(plan) == 1
    assert stage.states == ["blocked"]
    assert "passed before" in stage.finished.steps[0].reason
    assert (root / "calc.py").read_text() == CALC
    assert status(root) == ""


def test_what_a_command_has_turned_green_may_not_turn_red_again(root):
    plan = command_step("sed -i.bak 's/a - b/a + b/' calc.py && rm calc.py.bak\n", root)
    plan += "- [ ] Change `calc.py` again.\n"
    settings = Settings(tests=TestSettings(command="grep -q 'a + b' calc.py"), loop=ONE_TRY.loop)
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=settings)
    assert stage.run_plan(plan) == 1
    assert stage.states == ["solved", "blocked"]
    assert (root / "calc.py").read_text() == FIXED


def test_a_command_that_cannot_fail_is_unverified(root):
    stage = Stage(root)
    assert stage.run_plan("- [ ] Run `echo hello`.\n      Kind: command\n") == 0
    assert stage.states == ["unverified"]
    assert stage.finished.steps[0].reason.endswith("and cannot fail")
    assert (
        Stage(root).run_plan("- [ ] Run `true`.\n  Kind: command\n", RunOptions(strict=True)) == 1
    )


def test_a_command_whose_program_is_missing_is_blocked(root):
    stage = Stage(root)
    assert stage.run_plan("- [ ] Run `no-such-program --x`.\n      Kind: command\n") == 1
    assert stage.states == ["blocked"]
    assert "no-such-program" in stage.finished.steps[0].reason


def test_a_command_that_is_interrupted_is_taken_back(root):
    stop = Stop()
    stage = Stage(root, stop=stop)

    plan = command_step("echo x > new.txt; echo x >> README.md; touch started; sleep 30\n", root)

    def interrupt() -> None:
        while not (root / "started").exists():
            time.sleep(0.01)
        stop.set("interrupted")

    with ThreadPoolExecutor(1) as pool:
        pool.submit(interrupt)
        assert stage.run_plan(plan) == 130
    assert stage.states == ["blocked"]
    assert status(root) == ""


def test_a_plan_that_its_own_command_changes_goes_into_the_commit_if_git_has_it(root):
    plan = command_step("echo '<!-- seen -->' >> plan.md\n", root)
    (root / "plan.md").write_text(plan)
    stage = Stage(root)
    assert stage.run([read_plan(Path("plan.md"))], "plan", PLAN_RUN) == 0
    assert status(root) == "?? plan.md"
    assert "plan.md, of which you had a state that is not committed" in warnings(stage)
    stage.git("switch", "-q", "main")
    stage.git("add", "plan.md")
    stage.git("commit", "-qm", "plan")
    stage = Stage(root)
    assert stage.run([read_plan(Path("plan.md"))], "plan", RunOptions(restart=True)) == 0
    assert status(root) == ""
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "plan.md"


@pytest.mark.parametrize(
    ("script", "name"),
    [
        ("ln -s README.md link\n", "link"),
        ("mkdir .github && echo x > .github/ci.yml\n", ".github/ci.yml"),
        ("rm README.md && ln -s calc.py README.md\n", "README.md"),
    ],
)
def test_a_command_that_makes_what_no_step_may_is_blocked_and_told(script, name, root):
    stage = Stage(root)
    assert stage.run_plan(command_step(f"echo x > new.txt\n{script}", root)) == 1
    assert stage.states == ["blocked"]
    assert name in stage.finished.steps[0].reason
    assert f"changed {name}, which is left as it is" in warnings(stage)
    assert not (root / "new.txt").exists()


# -- left to the user -----------------------------------------------------------------------------


def test_a_step_for_the_user_is_shown_and_nothing_is_touched(root):
    plan = (
        "1. Deploy to staging.\n   Kind: for you\n"
        "2. Say so in `README.md`.\n   Depends on: 1\n"
        "3. Say more in `README.md`.\n   Depends on: 2\n"
    )
    stage = Stage(root)
    assert stage.run_plan(plan) == 0
    assert stage.states == ["for_you", "skipped", "skipped"]
    assert [line.reason for line in stage.finished.steps] == [
        "left to you: tick it when it is done",
        "it depends on step 1, which is left to you: tick it first",
        "it depends on step 2, which is not done",
    ]
    assert stage.finished.reason == (
        "every step was done but 1 that is left to you and 2 that wait for that"
    )
    assert stage.git("rev-parse", "HEAD") == stage.git("rev-parse", "main")
    assert status(root) == ""


# -- a queue, strictness --------------------------------------------------------------------------


def test_a_plan_that_cannot_be_measured_does_not_end_the_queue(root):
    one = replace(parse_plan(EXAMPLE, str(root / "one.md")), test="no-such-program")
    two = parse_plan(command_step("echo x > new.txt\n", root), str(root / "two.md"))
    stage = Stage(root)
    assert stage.run([one, two], "plan", PLAN_RUN) == 1
    assert stage.states == ["skipped", "solved"]
    assert "no-such-program" in stage.finished.steps[0].reason
    assert [event.number for event in stage.events(PlanStarted)] == [1, 2]
    assert stage.finished.reason == "not every step was done"


def test_stop_on_block_leaves_the_rest(root):
    plan = command_step("exit 1\n", root) + "- [ ] Run `echo x`.\n      Kind: command\n"
    stage = Stage(root)
    assert stage.run_plan(plan, RunOptions(stop_on_block=True)) == 1
    assert stage.states == ["blocked", "skipped"]
    assert stage.finished.steps[1].reason == "step 1 is blocked (--stop-on-block)"


# -- examples -------------------------------------------------------------------------------------


def test_an_example_that_holds_after_and_not_before_solves_the_step(root):
    stage = Stage(root, [body(FIXED)])
    assert stage.run_plan(EXAMPLE) == 0
    assert stage.states == ["solved"]
    assert stage.finished.steps[0].reason == "1 example holds that did not before"
    assert status(root) == ""


def test_an_example_that_does_not_hold_is_repaired(root):
    stage = Stage(root, [body(CALC.replace("a - b", "a * b")), THOUGHT, body(FIXED)])
    assert stage.run_plan(EXAMPLE) == 0
    assert stage.states == ["solved"]
    again = "\n".join(message.text for message in stage.engine.prompts[1].messages)
    assert "add(2, 3)" in again
    assert "6" in again.replace(EXAMPLE, "")


def test_an_example_that_never_holds_blocks_a_step_without_tests(root):
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=ONE_TRY)
    assert stage.run_plan(EXAMPLE) == 1
    assert stage.states == ["blocked"]
    assert "an example does not hold" in stage.finished.steps[0].reason
    assert (root / "calc.py").read_text() == CALC


def test_an_example_that_never_holds_where_the_tests_are_content(root):
    plan = f"{EXAMPLE}      Test: `grep -qF 'a * b' calc.py`\n"
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=ONE_TRY)
    assert stage.run_plan(plan) == 0
    assert stage.states == ["unverified"]
    assert stage.finished.steps[0].reason.startswith("the tests pass; an example does not hold")


def test_an_example_that_holds_before_is_no_evidence(root):
    stage = Stage(root, [body(CALC + "\n\nTEN = 10\n")])
    assert stage.run_plan("- [ ] Change `calc.py`; `add(3, 2)` still returns `1`.\n") == 0
    assert stage.states == ["unverified"]


# -- approval -------------------------------------------------------------------------------------


def asked(root: Path, plan: str) -> tuple[tuple[str, ...], str]:
    """What a run asks for, and the digest, where the answer is no."""
    nobody = Yes(granted=False)
    with pytest.raises(ApprovalNeeded, match="not approved"):
        Stage(root, approver=nobody).run_plan(plan)
    [request] = nobody.asked
    return request.items, request.digest


def test_everything_that_will_run_is_asked_for_at_once(root):
    plan = f"{GIVEN}{EXAMPLE}" + "- [ ] Run `make x`.\n      Kind: command\n      Test: `make y`\n"
    items, _ = asked(root, plan)
    assert items == (
        "the test in step 1 (9 lines of python)",
        "the 1 example(s) in step 2",
        "make y",
        "make x",
    )


@pytest.mark.parametrize(
    ("old", "new"), [("5)", "6)"), ("add(2, 3)` ", "add(2, 4)` "), ("make x", "make z")]
)
def test_the_answer_is_bound_to_what_will_run(old, new, root):
    plan = f"{GIVEN}{EXAMPLE}" + "- [ ] Run `make x`.\n      Kind: command\n"
    assert old in plan
    assert asked(root, plan)[1] != asked(root, plan.replace(old, new))[1]
    assert asked(root, plan)[1] != asked(root, plan.replace("Fix", "Mend"))[1]


# -- ticks ----------------------------------------------------------------------------------------

TICKED = "- [ ] Fix `add` in `calc.py`.\n      Test: `grep -qF 'a + b' calc.py`\n"


def run_ticking(root: Path, replies: Sequence[Reply]) -> Stage:
    stage = Stage(root, replies)
    assert stage.run([read_plan(Path("plan.md"))], "plan", RunOptions(tick=True)) == 0
    return stage


def track(root: Path, text: str) -> None:
    (root / "plan.md").write_bytes(text.encode())
    Stage(root).git("add", "plan.md")
    Stage(root).git("commit", "-qm", "plan")


def test_the_tick_in_a_tracked_plan_is_committed_with_its_step(root):
    track(root, TICKED.replace("\n", "\r\n"))
    stage = run_ticking(root, [body(FIXED)])
    ticked = TICKED.replace("[ ]", "[x]").replace("\n", "\r\n")
    assert (root / "plan.md").read_bytes() == ticked.encode()
    assert stage.git("show", "--name-only", "--format=", "HEAD").split() == ["calc.py", "plan.md"]
    assert status(root) == ""


def test_a_step_that_changes_nothing_has_its_tick_committed(root):
    track(root, "- [ ] Run `test -f calc.py`.\n      Kind: command\n")
    stage = run_ticking(root, [])
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "plan.md"
    assert status(root) == ""


def test_a_plan_with_changes_of_the_users_is_ticked_and_not_committed(root):
    track(root, TICKED)
    (root / "plan.md").write_text(f"{TICKED}\nmine\n")
    stage = run_ticking(root, [body(FIXED)])
    assert (root / "plan.md").read_text() == f"{TICKED}\nmine\n".replace("[ ]", "[x]")
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "calc.py"
    assert status(root) == "M plan.md"


def test_a_plan_that_is_changed_meanwhile_keeps_that_change(root):
    track(root, TICKED)

    def change(_prompt: object) -> str:
        (root / "plan.md").write_text(f"# New title\n\n{TICKED}- [ ] A second step in `b.py`.\n")
        return body(FIXED)

    stage = run_ticking(root, [change])
    text = (root / "plan.md").read_text()
    assert text == f"# New title\n\n{TICKED.replace('[ ]', '[x]')}- [ ] A second step in `b.py`.\n"
    assert stage.git("show", "--name-only", "--format=", "HEAD") == "calc.py"


def test_a_plan_that_is_gone_meanwhile_is_told(root):
    (root / "plan.md").write_text(TICKED)

    def remove(_prompt: object) -> str:
        (root / "plan.md").unlink()
        return body(FIXED)

    stage = run_ticking(root, [remove])
    assert "plan.md cannot be ticked: No such file or directory" in warnings(stage)


def test_a_blocked_step_is_not_ticked(root):
    track(root, TICKED)
    stage = Stage(root, [body(CALC.replace("a - b", "a * b"))], settings=ONE_TRY)
    assert stage.run([read_plan(Path("plan.md"))], "plan", RunOptions(tick=True)) == 1
    assert (root / "plan.md").read_text() == TICKED


# -- what lies around -----------------------------------------------------------------------------


def test_progress_is_kept_where_git_does_not_see_it(root):
    (root / "plan.md").write_text(TICKED)
    Stage(root, [body(FIXED)]).run([read_plan(Path("plan.md"))], "plan", PLAN_RUN)
    assert (root / ".qwenagent" / "progress.json").is_file()
    assert Stage(root).git("status", "--porcelain", "--untracked-files=all") == "?? plan.md"


def test_the_whole_of_a_slow_suite_at_the_end_names_what_it_finds(root):
    """No test is found to reach the changed file, so only the closing run sees the damage."""
    (root / "shout.txt").write_text("quiet\n")
    (root / "test_all.py").write_text(
        "import pathlib\nimport unittest\n\n\nclass All(unittest.TestCase):\n"
        "    def test_quiet(self):\n"
        "        texts = [p.read_text() for p in pathlib.Path('.').glob('*.txt')]\n"
        "        self.assertEqual(texts, ['quiet\\n'])\n"
    )
    Stage(root).git("add", "-A")
    Stage(root).git("commit", "-qm", "suite")
    command = f"{Path(sys.executable).name} -m unittest -v test_all"
    settings = Settings(tests=TestSettings(command=command, slow_s=0.001))
    stage = Stage(root, ["LOUD\n`````"], settings=settings)
    assert stage.run_plan("- [ ] Change `shout.txt`.\n") == 1
    assert stage.states == ["unverified"]
    assert "test_all.All.test_quiet" in stage.finished.reason
    assert stage.finished.reason.startswith("the whole suite after the last step")
