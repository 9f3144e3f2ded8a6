"""The live view against snapshots, and that it leaves a terminal as it found it."""

import io
import os
import re
import threading
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    EditApplied,
    Event,
    Finished,
    Progress,
    TestsRan,
    TestsStarted,
    TokenDelta,
    ToolEnded,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.messages import Usage
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.ui.hunks import DiffLine, changes, diff_lines
from qwenagent.ui.live import LiveView
from qwenagent.ui.printable import printable
from tests.sample_events import BEGIN, CALL, DIFF, FIRST, records

SNAPSHOTS = Path(__file__).parent / "data" / "ui"
UPDATE = os.environ.get("QWENAGENT_UPDATE_SNAPSHOTS") == "1"
"""Read here: each test runs without the variables of the machine."""
EVIL = "\x1b]0;owned\x07[red]x[/red]\x1b[2J\u202eabc\x9b31m\r"


def check_snapshot(name: str, text: str) -> None:
    """Compare with the stored text; QWENAGENT_UPDATE_SNAPSHOTS=1 stores it."""
    path = SNAPSHOTS / f"{name}.txt"
    text = "\n".join(line.rstrip() for line in text.split("\n"))
    if UPDATE:
        path.write_text(text, encoding="utf-8", newline="\n")
    assert text == path.read_text(encoding="utf-8")


class Screen(Console):
    """A console of a fixed size that keeps what is written to it."""

    def __init__(self, width: int = 100, encoding: str = "utf-8", **options: Any) -> None:
        self.raw = io.BytesIO()
        stream = io.TextIOWrapper(self.raw, encoding, errors="replace", newline="\n")
        plain: dict[str, Any] = {"markup": False, "emoji": False, "highlight": False}
        super().__init__(
            file=stream, width=width, height=30, **{"_environ": {}, **plain, **options}
        )

    def written(self) -> str:
        self.file.flush()
        return self.raw.getvalue().decode(self.encoding)


def draw(screen: Screen, events: Sequence[Event] = ()) -> str:
    with LiveView(screen) as view:
        for record in records(events):
            view(record)
    return screen.written()


@pytest.mark.parametrize("width", [100, 60])
def test_a_whole_run(width):
    check_snapshot(f"live_{width}", draw(Screen(width), ()))


def test_a_terminal_without_unicode():
    text = draw(Screen(60, "ascii"), ())
    assert "?" not in text
    check_snapshot("live_60_ascii", text)


def test_no_line_is_wider_than_the_terminal():
    text = draw(Screen(40), ())
    assert max(map(len, text.split("\n"))) == 40


def test_colours_are_there_and_no_color_takes_them_away():
    event = [Warned("careful", "sit down")]
    coloured = draw(Screen(color_system="standard", force_terminal=False), event)
    assert "\x1b[33mcareful" in coloured
    plain = draw(Screen(color_system="standard", _environ={"NO_COLOR": "1"}), event)
    assert "careful" in plain
    assert "\x1b[33m" not in plain


def test_what_is_added_has_its_syntax_coloured():
    text = draw(
        Screen(color_system="standard"),
        [FIRST[0], EditApplied("a.py", "changed", DIFF, 3, 2)],
    )
    assert "\x1b[1;32m+" in text
    assert "\x1b[94;49mfrom" in text
    assert "\x1b[31mfrom decimal import Decimal" in text


def below(view: LiveView, console: Screen) -> str:
    with console.capture() as capture:
        console.print(view.below())
    return capture.get()


def test_the_lines_below_tell_reading_writing_and_testing():
    now = [100.0]
    console = Screen(60)
    view = LiveView(console, clock=lambda: now[0])
    seen = []
    for seconds, event in (
        (0.0, TurnStarted(1, "edit")),
        (1.0, Progress("reading the prompt", 500, 2310, "tokens")),
        (2.0, Progress("reading the prompt", 1500, 2310, "tokens")),
        (1.0, TokenDelta("def f():\n\treturn 1")),
        (0.5, TokenDelta("\nx = '\x1b[2J' + " + "1 + " * 30)),
        (0.0, TokenDelta("another candidate", 1)),
        (1.0, TestsStarted("pytest", "step", 9.0)),
    ):
        now[0] += seconds
        view(records([event])[0])
        now[0] += 0.5
        seen.append(below(view, console))
    check_snapshot("below_60", "".join(seen))


def test_the_tail_of_an_answer_never_fills_the_screen():
    console = Screen()
    view = LiveView(console, clock=lambda: 1.0)
    for number in range(100):
        view(records([TokenDelta(f"line {number}\n")])[0])
    lines = below(view, console).rstrip("\n").split("\n")
    assert len(lines) == 13
    assert lines[-2].endswith("line 99")


def test_nothing_from_outside_reaches_the_terminal_as_a_command():
    run = TestRun(EVIL, 1, 1.0, EVIL, {EVIL: "failed"}, {EVIL: EVIL})
    call = ToolCall(EVIL, {"path": EVIL}, EVIL)
    text = draw(
        Screen(color_system=None),
        [
            BEGIN[0],
            Warned(EVIL, EVIL),
            Progress(EVIL, 1, 2, "files"),
            TokenDelta(EVIL),
            ToolEnded(call, ToolResult(EVIL, True), 0.1),
            EditApplied(EVIL, "changed", f"@@ -1 +1 @@\n-{EVIL}\n+{EVIL}\n", 1, 1),
            TestsStarted(EVIL, "step", 1.0),
            TestsRan(run, "step"),
            TestsRan(TestRun(EVIL, 2, 1.0, EVIL), "step"),
            ApprovalAsked("commands", EVIL, (EVIL,), "d"),
            ApprovalAnswered(False, "nobody", "d"),
            Finished(1, EVIL, (), Usage(), 1.0, EVIL, f"--- a/{EVIL}\n", (EVIL,)),
        ],
    )
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", text)
    assert text.count("[red]x[/red]abc") >= 10  # shown as text, not read as markup


def test_commands_to_approve_are_shown_with_what_they_hide():
    text = draw(
        Screen(),
        [
            ApprovalAsked("commands", "Run?", ("make\x1b[2K \u202etset\nrm -rf x",), "d"),
            ApprovalAnswered(False, "nobody", "d"),
        ],
    )
    assert [line.rstrip() for line in text.split("\n")] == [
        "  Run?",
        "    $ make\\x1b[2K \\u202etset",
        "    > rm -rf x",
        "  ✗ not approved, there was nobody to ask",
        "",
    ]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_the_cursor_comes_back(error):
    console = Screen(force_terminal=True)

    def draw_until_the_error() -> None:
        with LiveView(console) as view:
            for record in records((*BEGIN, *FIRST[:6])):
                view(record)
            raise error

    with pytest.raises(error):
        draw_until_the_error()
    text = console.written()
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h") == 2  # it was lent for a question
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")


def test_the_terminal_belongs_to_the_one_who_asks():
    console = Screen(force_terminal=True)
    asked, answered = records([BEGIN[2], ApprovalAnswered(True, "user", "sha256:ab")])
    with LiveView(console) as view:
        view(asked)
        before = console.written()
        assert before.rindex("\x1b[?25h") > before.rindex("\x1b[?25l")
        view(records([Progress("reading", 1, 2, "tokens")])[0])
        assert console.written() == before
        view(answered)
        assert console.written().count("\x1b[?25l") == 2


def test_an_answer_after_the_end_does_not_hide_the_cursor_again():
    console = Screen(force_terminal=True)
    asked, answered = records([BEGIN[1], ApprovalAnswered(False, "user", "sha256:ab")])
    with LiveView(console) as view:
        view(asked)
    view(answered)
    assert console.written().count("\x1b[?25l") == 1


def test_records_may_come_from_another_thread_and_after_the_end():
    console = Screen(force_terminal=True)
    with LiveView(console) as view:
        thread = threading.Thread(target=lambda: deque(map(view, records()), 0))
        thread.start()
        thread.join()
    view(records([Warned("late")])[0])
    text = printable(console.written())
    for line in ("step 1 of 3", "changed shop/cart.py", "! late"):
        assert text.count(line) == 1


def test_the_body_of_a_call_stays_out_of_the_scrollback():
    text = draw(Screen(), [TurnStarted(1, "edit"), TokenDelta(CALL.body or "")])
    assert text == ""


def test_diff_lines_number_both_sides():
    hunk = "@@ -2,2 +2,3 @@ def f\n a\r\n--- old\n+++ new\n+b\n\\ No newline\nnoise\n"
    diff = f"--- a/old name\n+++ b/x y\n{hunk}--- /dev/null\n+++ b/z\n@@ -0,0 +1 @@\n+c\n"
    assert list(diff_lines(diff)) == [
        DiffLine("x y", "@", 2, ""),
        DiffLine("x y", " ", 2, "a"),
        DiffLine("x y", "-", 3, "-- old"),
        DiffLine("x y", "+", 3, "++ new"),
        DiffLine("x y", "+", 4, "b"),
        DiffLine("z", "@", 1, ""),
        DiffLine("z", "+", 1, "c"),
    ]
    assert changes(diff) == {"x y": (2, 1), "z": (1, 0)}


@pytest.mark.parametrize("diff", ["", "@@ what @@\n+a\n", "@@ -x,y +1,2 @@\n+a\n", "+a\n-b\n"])
def test_what_is_no_hunk_has_no_lines(diff):
    assert list(diff_lines(diff)) == []
    assert draw(Screen(), [EditApplied("x", "changed", diff, 0, 0)]).startswith("    changed")


def test_a_long_diff_says_what_it_leaves_out():
    diff = "@@ -0,0 +1,300 @@\n" + "".join(f"+line {n}\n" for n in range(300))
    text = draw(Screen(), [EditApplied("x.txt", "created", diff, 300, 0)])
    assert "100 more lines not shown here" in text
