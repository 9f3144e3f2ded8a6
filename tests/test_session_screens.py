"""Whole screens of a session in a real pseudo-terminal, and terminals that are closed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qwenagent.protocol.events import EditApplied, Finished, RunStarted
from qwenagent.transcript import read
from tests.loop_stage import FIXED, MODULE
from tests.session_stage import FIX, IDLE, Stage, make_stage

ENTER = "\r"
TEST = "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
FILES = {
    "calc.py": MODULE,
    "test_calc.py": TEST,
    "pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-p no:cacheprovider'\n",
    ".gitignore": "__pycache__/\n",
}
SCREENS = Path(__file__).parent / "data" / "screens"
MASKS = (
    (r"refs/qwenagent/[\da-f-]+", "refs/qwenagent/POINT"),
    (r"\b(?:\d+ min )?[\d.]+ s\b", "TIME"),
)
"""What is another one each time."""


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = make_stage(tmp_path, FILES)
    tools = Path(sys.executable).parent  # its pytest is the one of these tests
    stage.env["QWENAGENT_TESTS_TIMEOUT_S"] = "60"  # else it would follow from how long they took
    stage.env["PATH"] = f"{tools}{os.pathsep}{stage.env['PATH']}"
    return stage


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_task_as_it_is_seen(stage, columns):
    with stage.terminal([FIX], columns=columns, rows=60) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("Fix add in calc.py", ENTER)
        terminal.waits_for("Approve? [o]nce")
        terminal.type("o", ENTER)
        terminal.waits_for(" written, 1 answer")
        terminal.read_until(lambda: terminal.lines()[-2] == ">")  # it waits for the next one
        screen = "\n".join([*terminal.lines(), ""])
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    for pattern, mask in MASKS:
        screen = re.sub(pattern, mask, screen)
    expected = SCREENS / f"task-{columns}.txt"
    assert screen == expected.read_text(encoding="utf-8")


@pytest.mark.parametrize("end", ["the window is closed", "SIGHUP"])
def test_a_terminal_that_goes_while_tests_run_leaves_the_tree_as_it_was(stage, end):
    waits = 'import pathlib, time\n\n\ndef test_add():\n    text = pathlib.Path("calc.py")'
    waits += (
        '.read_text()\n    time.sleep(60 if "a + b" in text else 0)\n    assert "a + b" in text\n'
    )
    (stage.root / "test_calc.py").write_text(waits, encoding="utf-8")
    git(stage, "commit", "-qam", "slow once it is mended")
    source = stage.root / "calc.py"
    with stage.terminal([FIX], columns=100, rows=50) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("Fix add in calc.py", ENTER)
        terminal.waits_for("Approve? [o]nce")
        terminal.type("o", ENTER)
        terminal.waits_for("for what was green")
        assert source.read_text() == FIXED
        if end == "SIGHUP":
            terminal.kill(signal.SIGHUP)
            assert terminal.ends() == 130
        else:
            terminal.hang_up()
    assert (git(stage, "status", "--porcelain"), source.read_text()) == ("", MODULE)
    [path] = (stage.folder / "home" / "state" / "runs").glob("*.jsonl")
    events = [record.event for record in read(path)]
    assert [e.kind for e in events if isinstance(e, RunStarted)] == ["session", "task"]
    assert any(isinstance(e, EditApplied) for e in events)
    assert [e.exit_code for e in events if isinstance(e, Finished)] == [130, 130]
    with stage.terminal(["It does."], "session", "--resume", "last") as terminal:
        terminal.waits_for("Fix add in calc.py")
        terminal.type("Does add subtract?", ENTER)
        terminal.waits_for("It does.")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0


def git(stage: Stage, *args: str) -> str:
    done = subprocess.run(
        ["git", *args], cwd=stage.root, env=stage.env, capture_output=True, text=True, check=True
    )
    return done.stdout
