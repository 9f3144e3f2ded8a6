"""Sessions in a real pseudo-terminal: tasks with real git and tests, undone, taken up again."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.protocol.events import CommandRan, Finished, RunStarted
from qwenagent.transcript import read
from tests.loop_stage import FIXED, MODULE
from tests.session_stage import ANSWER, FIX, IDLE, Stage, make_stage

ENTER, ESC, CTRL_O = "\r", "\x1b", "\x0f"
PYTEST = "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
FILES = {
    "calc.py": MODULE,
    "test_calc.py": PYTEST,
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n",
    ".gitignore": "__pycache__/\n",
}
DIFF = [
    "calc.py +1 -1",
    "     1   def add(a, b):",
    "     2 -     return a - b",
    "     2 +     return a + b",
    "     3",
    "     4",
    "     5   def twice(a):",
]


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = make_stage(tmp_path, FILES)
    tools = Path(sys.executable).parent  # its pytest is the one of these tests
    stage.env["PATH"] = f"{tools}{os.pathsep}{stage.env['PATH']}"
    return stage


def git(stage: Stage, *args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=stage.root, env=stage.env, capture_output=True, text=True, check=True
    )
    return done.stdout


def transcript(stage: Stage) -> Path:
    [path] = (stage.folder / "home" / "state" / "runs").glob("*.jsonl")
    return path


def test_what_was_told_in_a_line_unfolds_the_newest_first(stage):
    with stage.terminal([FIX], columns=100, rows=150) as terminal:
        terminal.waits_for(IDLE)
        terminal.type(CTRL_O)
        terminal.waits_for("there is nothing more to unfold")
        terminal.type("Fix add in calc.py.", ENTER)
        terminal.waits_for("Approve? [o]nce")
        terminal.type("a\r")
        terminal.waits_for("tokens read")
        terminal.type(CTRL_O)
        terminal.waits_for("output of the tests:")
        terminal.type(*[CTRL_O] * 12)
        terminal.waits_for("there is nothing more to unfold")
        shown = [line.strip() for line in terminal.lines()]
        body = shown.index("body of the call:")
        assert any(" 1 passed in " in line for line in shown[:body])
        assert shown[body + 1 : body + 3] == ["def add(a, b):", "return a + b"]
        assert shown.index("in the prompt:") > body
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0


def test_what_other_sessions_did_is_theirs(stage):
    with stage.terminal([FIX], columns=120, rows=60) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("Fix add in calc.py.", ENTER)
        terminal.waits_for("Approve? [o]nce")
        terminal.type("a\r")
        terminal.waits_for("tokens read")
        own = transcript(stage).stem
        terminal.type(f"/resume {own}", ENTER)
        terminal.waits_for(f"error: {own} is this session")
        terminal.type("/diff --stat", ENTER)
        terminal.waits_for("calc.py      1        1")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    with stage.terminal([], columns=120, rows=60) as terminal:
        for line, says in [
            ("/undo", "error: nothing of this session is left to undo"),
            ("/redo", "error: there is nothing to redo"),
            ("/add .", "added .gitignore, calc.py, pyproject.toml, test_calc.py"),
            ("/add ./calc.py", "calc.py is in the context already"),
            ("/add @../repo/calc.py", "calc.py is in the context already"),
            ("/drop ./calc.py", "dropped calc.py"),
            ("/config tests.suggested pytest", "tests.command is what you mean"),
            ("/config ui.keys", "emacs"),
        ]:
            terminal.waits_for(">")
            terminal.type(line, ENTER)
            terminal.waits_for(f"> {line}")
            terminal.waits_for(says)
        terminal.waits_for("`qwenagent undo` would undo task 'Fix add in calc.py.'")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert (stage.root / "calc.py").read_text() == FIXED


def test_a_bug_is_asked_about_fixed_undone_and_committed(stage):
    source = stage.root / "calc.py"
    with stage.terminal([ANSWER, FIX], columns=100, rows=60) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("What does add do in calc.py?", ENTER)
        terminal.waits_for("return a - b")
        terminal.type("Fix it.", ENTER)
        terminal.waits_for("Approve? [o]nce")
        assert any("$ python -m pytest" in line for line in terminal.lines())
        terminal.type("a\r")
        terminal.waits_for("step 1 of 1")
        terminal.waits_for("for what was green")
        terminal.waits_for("✓ solved; ")
        terminal.waits_for("tokens read")
        assert source.read_text() == FIXED
        terminal.type("/diff", ENTER)
        terminal.waits_for("/diff")
        terminal.waits_for("     5   def twice(a):", times=2)
        at = terminal.lines().index("> /diff")
        assert terminal.lines()[at + 1 : at + 8] == DIFF
        terminal.type("/undo", ENTER)
        terminal.waits_for("undone: task 'Fix it.'")
        assert source.read_text() == MODULE
        terminal.type("/redo", ENTER)
        terminal.waits_for("redone: task 'Fix it.'")
        terminal.type("/commit Add adds", ENTER)
        terminal.waits_for(" on main: calc.py")
        terminal.type("/test", ENTER)
        terminal.waits_for("✓ 1 passed, 0 failed")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert git(stage, "log", "--format=%s").split("\n")[0] == "Add adds"
    assert git(stage, "status", "--porcelain") == ""
    events = [record.event for record in read(transcript(stage))]
    kinds = [e.kind for e in events if isinstance(e, RunStarted)]
    assert kinds == ["session", "task"]
    ends = [e for e in events if isinstance(e, Finished)]
    assert [(e.exit_code, len(e.steps)) for e in ends] == [(0, 1), (0, 1)]
    assert "+    return a + b" in ends[-1].diff
    ran = [e.line for e in events if isinstance(e, CommandRan)]
    assert ran == ["/diff", "/undo", "/redo", "/commit Add adds", "/test"]
    shown = told(stage, "show", "last")
    for line in ("> What does add do in calc.py?", ANSWER.split("\n")[0], "> Fix it.", "> /diff"):
        assert line in shown
    assert "session: What does add do in calc.py?" in told(stage, "log")
    exported = told(stage, "export", "last")
    assert "## You" in exported
    assert "return a - b" in exported


def told(stage: Stage, *args: str) -> str:
    argv = [sys.executable, "-m", "qwenagent", *args]
    done = subprocess.run(
        argv, cwd=stage.root, env=stage.env, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_a_refused_command_and_a_stop_while_tests_run_leave_the_tree_clean(stage):
    slow = "import time\n\n\ndef test_add():\n    time.sleep(60)\n"
    (stage.root / "test_calc.py").write_text(slow, encoding="utf-8")
    git(stage, "commit", "-qam", "slow")
    with stage.terminal([FIX], columns=100, rows=40) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("Fix add in calc.py", ENTER)
        terminal.waits_for("Approve? [o]nce")
        terminal.type("n\r")
        terminal.waits_for("error: 1 command(s) were not approved")
        terminal.type("Fix twice in calc.py", ENTER)
        terminal.waits_for("Approve? [o]nce", times=2)
        terminal.type("y\r")
        terminal.waits_for("the tests run")
        terminal.type(ESC)
        terminal.waits_for("interrupted")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert git(stage, "status", "--porcelain") == ""
    events = [record.event for record in read(transcript(stage))]
    assert [e.exit_code for e in events if isinstance(e, Finished)] == [5, 130, 0]


def test_a_session_is_taken_up_again(stage):
    with stage.terminal([ANSWER]) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("What does add do in calc.py?", ENTER)
        terminal.waits_for("return a - b")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    with stage.terminal(["Yes, I said so."]) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("/resume", ENTER)
        terminal.waits_for("/resume N goes on with one of them")
        assert any("What does add do in calc.py?" in line for line in terminal.lines())
        terminal.type("/resume 1", ENTER)
        terminal.waits_for("1 exchange taken up")
        terminal.type("Is that so?", ENTER)
        terminal.waits_for("Yes, I said so.")
        terminal.type("/files", ENTER)
        terminal.waits_for("2 earlier exchanges")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    events = [record.event for record in read(transcript(stage))]
    assert [e.exit_code for e in events if isinstance(e, Finished)] == [0, 0]
    numbers = [record.seq for record in read(transcript(stage))]
    assert numbers == sorted(set(numbers))


def test_without_a_terminal_there_is_the_help(stage):
    done = subprocess.run(
        [sys.executable, "-m", "qwenagent"],
        cwd=stage.root,
        env=stage.env,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert (done.returncode, done.stdout.split("\n")[0]) == (
        0,
        "Usage: qwenagent [OPTIONS] COMMAND [ARGS]...",
    )
