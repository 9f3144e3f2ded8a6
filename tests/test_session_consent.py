"""Sessions in a real pseudo-terminal on a machine without a sandbox: the user is asked once."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from tests.session_stage import IDLE, Stage, make_stage
from tests.terminal_stage import Terminal

ENTER, ESC, CTRL_C, CTRL_D = "\r", "\x1b", "\x03", "\x04"
ASKED = "now and from now on? [y/N]:"
REFUSED = "error: not without a sandbox"
NOTHING = "error: nothing of this session is uncommitted"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return make_stage(tmp_path)


def started(stage: Stage, *args: str) -> Terminal:
    """A session without a sandbox, in a terminal so wide that no question is broken."""
    env = {"SESSION_CHILD_SANDBOX": "none", "QWENAGENT_SANDBOX_OFF": "false"}
    return stage.terminal([], *args, columns=160, rows=40, **env)


def agreed(stage: Stage) -> Path:
    return stage.folder / "home" / "state" / "no-sandbox"


def test_every_no_leaves_the_session_usable_and_a_yes_counts_from_then_on(stage):
    with started(stage) as terminal:
        terminal.waits_for(IDLE)
        for n, keys in enumerate(["n\r", ENTER, f"{ESC}\r", CTRL_C, CTRL_D], 1):
            terminal.type("/commit", ENTER)
            terminal.waits_for(ASKED, times=n)
            terminal.type(keys)
            terminal.waits_for(REFUSED, times=n)
        assert not agreed(stage).exists()
        terminal.type("/commit", ENTER)
        terminal.waits_for(ASKED, times=6)
        terminal.type("y\r")
        terminal.waits_for(NOTHING)
        assert agreed(stage).read_text() == "there is no bubblewrap\n"
        terminal.type("/commit", ENTER)
        terminal.waits_for("warning: no sandbox: there is no bubblewrap.")
        terminal.waits_for(NOTHING, times=2)
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0


def test_what_was_typed_before_the_question_is_no_yes(stage):
    with started(stage, "--plain") as terminal:
        terminal.waits_for(">")
        terminal.type("/commit\ry\r")
        terminal.waits_for(ASKED)
        terminal.type(CTRL_C)
        terminal.waits_for(REFUSED)
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert not agreed(stage).exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_session_while_it_asks(stage, number):
    with started(stage) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("/commit", ENTER)
        terminal.waits_for(ASKED)
        terminal.kill(number)
        assert terminal.ends() == 130
    assert not agreed(stage).exists()
