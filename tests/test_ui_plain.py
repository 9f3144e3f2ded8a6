"""The plain log and the JSON lines: exact text, every event, closed pipes."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.protocol import wire
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    EditApplied,
    Event,
    Progress,
    Record,
    TestsRan,
    ToolEnded,
    Warned,
)
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.ui import JsonlView, PlainView, make_view
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.plain import aligned
from tests.sample_events import SESSION, records
from tests.test_ui_live import EVIL, check_snapshot


def log(events: Sequence[Event] = ()) -> str:
    stream = io.StringIO()
    with PlainView(stream) as view:
        for record in records(events):
            view(record)
    return stream.getvalue()


def test_a_whole_run():
    check_snapshot("plain", log())


def test_progress_is_told_every_ten_seconds():
    events = [Progress("reading", n, 30, "tokens") for n in range(30)]
    stream = io.StringIO()
    view = PlainView(stream)
    view(Record(Warned("go"), "r", 1, 1000.0))
    for number, event in enumerate(events):
        view(Record(event, "r", number + 2, 1000.0 + number))
    assert stream.getvalue() == (
        "  warning: go\n  reading 10 of 30 tokens\n  reading 20 of 30 tokens\n"
    )


def test_nothing_from_outside_is_an_escape_code():
    text = log(
        [
            Warned(EVIL, EVIL),
            ToolEnded(ToolCall(EVIL, {"path": EVIL}), ToolResult(EVIL), 1.0),
            EditApplied(EVIL, "changed", f"@@ -1 +1 @@\n-{EVIL}\n+{EVIL}\n", 1, 1),
            TestsRan(TestRun(EVIL, 1, 1.0, f"{EVIL}\n{EVIL}"), "step"),
            ApprovalAsked("commands", EVIL, (EVIL,), "d"),
            ApprovalAnswered(False, "nobody", "d"),
        ]
    )
    assert not set(text) & set("\x1b\x07\x9b\r\u202e")
    assert text.count("[red]x[/red]abc") == 7
    assert "\n    +\\x1b]0;owned\\x07[red]x[/red]\\x1b[2J\\u202eabc\\x9b31m\n" in text
    assert "\\x1b]0;owned\\x07[red]x" in text  # what is to be approved is spelt out


def test_long_output_says_what_is_left_out():
    output = "\n".join(f"line {n}" for n in range(100))
    text = log([TestsRan(TestRun("make", 2, 1.0, output), "step")])
    assert text.startswith("  tests red after 1.0 s: exit code 2\n  (60 lines of output left out")
    assert text.count("    line ") == 40


def test_columns_line_up_with_wide_characters():
    assert aligned([("a", "b"), ("漢字", "c")]) == ["a     b", "漢字  c"]


def test_characters_that_the_stream_lacks_become_question_marks():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii", newline="\n")
    PlainView(stream)(records([Warned("naïve ✓")])[0])
    assert raw.getvalue() == b"  warning: na?ve ?\n"


def test_json_lines_are_utf8_whatever_the_stream_says():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    record = records([Warned("naïve ✓")])[0]
    JsonlView(stream)(record)
    assert wire.decode(raw.getvalue()) == record


def written_as_json(whole: list[Record]) -> list[str]:
    stream = io.StringIO()
    with make_view("json", stream) as view:
        for record in whole:
            view(record)
    lines = stream.getvalue().split("\n")
    assert lines.pop() == ""
    return lines


def test_every_event_is_one_json_line():
    whole = [*records(), *records(SESSION)]
    lines = written_as_json(whole)
    types = [wire.type_name(record.event) for record in whole]
    assert set(types) == set(wire.TYPES)
    assert [json.loads(line)["type"] for line in lines] == types


@pytest.mark.parametrize("kind", wire.TYPES)
def test_json_lines_give_the_records_back(kind):
    known = [*records(), *records(SESSION)]
    whole = [record for record in known if wire.type_name(record.event) == kind]
    assert [wire.decode(line) for line in written_as_json(whole)] == whole


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(0, 2**40))
def test_any_text_survives_the_wire(text, seq):
    record = Record(Warned(text, text[::-1]), "run", seq, 0.5, text)
    line = wire.encode(record)
    assert "\n" not in line
    assert wire.decode(line) == record


def test_auto_on_a_pipe_is_plain():
    assert isinstance(make_view("auto", io.StringIO()), PlainView)


def test_a_closed_pipe_does_not_end_the_run():
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream:
        out = LineWriter(stream)
        out.line("nobody reads this")
        out.line("nor this")


def test_importing_the_room_does_not_import_the_drawing_libraries():
    code = "import sys, qwenagent.ui, qwenagent.transcript as t; print([m for m in "
    code += "('rich', 'prompt_toolkit', 'platformdirs') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
    )
    assert done.stdout == "[]\n"
