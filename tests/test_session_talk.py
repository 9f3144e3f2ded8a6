"""Sessions in a real pseudo-terminal: questions, completion, interrupts, how they end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from qwenagent.protocol.events import Answered, Finished, MessageSent, RunStarted
from qwenagent.transcript import read
from tests.session_stage import ANSWER, IDLE, Stage, make_stage

ENTER, ESC, DOWN = "\r", "\x1b", "\x1b[B"
MODEL = "  Qwen2.5-Coder-0.5B-Instruct"
STATUS = {
    60: f"{MODEL} · context 142 of 8,192 · main",
    80: f"{MODEL} · none · context 142 of 8,192 · main",
    120: f"{MODEL} · none · context 142 of 8,192 · main",
}
ANSWERED = (
    "> What does add do?",
    "  add returns the difference.",
    "",
    "   return a - b",
    "",
    "    wrote 16 tokens, reused 0 of 126 prompt tokens",
    "",
)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    return make_stage(tmp_path)


def ctrl(letter: str) -> str:
    return chr(ord(letter) & 0x1F)


def transcripts(stage: Stage) -> list[Path]:
    return sorted((stage.folder / "home" / "state" / "runs").glob("*.jsonl"))


def events(stage: Stage) -> list[object]:
    [path] = transcripts(stage)
    return [record.event for record in read(path)]


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_question(stage, columns):
    with stage.terminal([ANSWER], columns=columns) as terminal:
        terminal.shows("", IDLE, f"{MODEL} · none · main")
        terminal.type("What does add do?", ENTER)
        terminal.shows(*ANSWERED, "", ">", STATUS[columns])
        terminal.type(ctrl("d"))
        assert terminal.ends() == 0
    started, said, *_, answered, finished = events(stage)
    assert isinstance(started, RunStarted)
    assert isinstance(finished, Finished)
    assert (said, answered) == (MessageSent("What does add do?"), Answered(ANSWER))
    assert (finished.exit_code, finished.usage.calls) == (0, 1)


def test_names_are_completed_and_what_was_never_said_leaves_nothing(stage):
    with stage.terminal([]) as terminal:
        terminal.shows("", IDLE, f"{MODEL} · none · main")
        terminal.type("@tw")
        terminal.waits_for("    twice  calc.py")
        terminal.type(ctrl("u"), "/add ca")
        terminal.waits_for("    calc.py")
        terminal.type("\t", ENTER)
        terminal.waits_for("added calc.py")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    assert transcripts(stage) == []


def test_stopped_while_reading_while_writing_and_two_messages_in_a_row(stage):
    long = " ".join(f"word{n}" for n in range(400))
    with stage.terminal([{"read": True}, {"slow": long}, ANSWER], rows=40) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("What is this?", ENTER)
        terminal.waits_for("reading 128 of")
        terminal.type(ESC)
        terminal.waits_for("the answer was cancelled")
        terminal.type("Why?", ENTER)
        terminal.waits_for("word5")
        terminal.resize(70, 30)
        terminal.type("What does add do?", ENTER)
        terminal.waits_for("queued: What does add do?")
        terminal.type(ESC)
        terminal.waits_for("return a - b")
        terminal.type("/quit", ENTER)
        assert terminal.ends() == 0
    first, second, third = [e for e in events(stage) if isinstance(e, Answered)]
    assert first == Answered("", "cancelled")
    assert second.stop == "cancelled"
    assert second.text.startswith("word0 word1")
    assert third == Answered(ANSWER)


def test_the_first_sign_comes_while_the_model_loads(stage):
    loaded = stage.folder / "loaded"
    with stage.terminal([{"load": str(loaded)}, ANSWER]) as terminal:
        terminal.waits_for("  0.5b · loading · main")
        terminal.type("What does add do?", ENTER)
        terminal.waits_for("loading 0.5b · ")
        loaded.touch()
        terminal.shows(*ANSWERED, "", ">", STATUS[80])


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_ends_the_session_in_good_order(stage, number):
    long = " ".join(f"word{n}" for n in range(400))
    with stage.terminal([{"slow": long}]) as terminal:
        terminal.waits_for(IDLE)
        terminal.type("What is this?", ENTER)
        terminal.waits_for("word5")
        terminal.kill(number)
        assert terminal.ends() == 130
    *_, answered, finished = events(stage)
    assert isinstance(answered, Answered)
    assert isinstance(finished, Finished)
    assert (answered.stop, finished.exit_code) == ("cancelled", 130)


def test_ctrl_c_twice_ends_it(stage):
    with stage.terminal([]) as terminal:
        terminal.waits_for(IDLE)
        terminal.type(ctrl("c"))
        terminal.waits_for("Ctrl-C again ends the session")
        terminal.type(ctrl("c"))
        assert terminal.ends() == 130


def test_without_colours_and_redrawing(stage):
    with stage.terminal([ANSWER], "--plain") as terminal:
        terminal.waits_for(">")
        terminal.type("What does add do?", ENTER)
        terminal.waits_for("```python")
        terminal.type("/nope", ENTER)
        terminal.waits_for("there is no command /nope")
        terminal.type(ctrl("d"))
        assert terminal.ends() == 0
    assert b"\x1b[" not in terminal.raw
