"""Past runs on screens and pipes: the table, and one run as it looked, in part and whole."""

import io
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from qwenagent import transcript
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import (
    ApprovalAnswered,
    EditApplied,
    Event,
    Record,
    TestsRan,
    TokenDelta,
    ToolEnded,
    ToolStarted,
    TurnStarted,
    Warned,
)
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.transcript import PastRun, look_at
from qwenagent.ui import PlainView
from qwenagent.ui.past import draw_run, no_end, print_runs, print_runs_json, show_run, show_run_json
from qwenagent.ui.past.listing import draw_runs
from tests.sample_events import BEGIN, CALL, CODE, DIFF, SOLVED, records
from tests.test_transcript_runs import BEGUN, ENDED, keep
from tests.test_ui_live import EVIL, Screen, check_snapshot, draw
from tests.test_ui_table import terminal_stream


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(events: Sequence[Event] = (), *, whole: bool = False, told: str = "") -> str:
    """Show a run on a pipe."""
    stream = io.StringIO()
    show_run(records(events), whole=whole, no_end=told, stream=stream)
    return stream.getvalue()


def drawn(screen: Screen, events: Sequence[Event] = (), *, whole: bool = False) -> str:
    draw_run(records(events), whole, "", screen)
    return screen.written()


# -- one run ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("width", "encoding"), [(100, "utf-8"), (60, "utf-8"), (60, "ascii")])
def test_a_run_looks_as_it_did(width, encoding):
    path = keep("a")
    screen = Screen(width, encoding)
    draw_run(transcript.read(path), False, "it has its end", screen)
    assert screen.written() == draw(Screen(width, encoding))


def test_the_log_of_a_run_is_that_of_its_time():
    stream = io.StringIO()
    view = PlainView(stream)
    for record in records():
        view(record)
    assert shown(told="it has its end") == stream.getvalue()


def test_all_of_a_run_on_a_terminal():
    screen = Screen(60)
    draw_run(transcript.read(keep("a")), True, "", screen)
    check_snapshot("past_whole_60", screen.written())


def test_all_of_a_run_as_a_log():
    stream = io.StringIO()
    show_run(transcript.read(keep("a")), whole=True, stream=stream)
    check_snapshot("past_whole_plain", stream.getvalue())


def test_nothing_rings_for_a_run_that_is_over():
    assert "\x07" not in drawn(Screen(force_terminal=True))
    assert "\x07" in draw(Screen(force_terminal=True))


def test_a_question_that_the_user_answered_is_shown_again():
    asked = BEGIN[2]
    events: list[Event] = [asked, ApprovalAnswered(True, "user", "sha256:ab")]
    assert "$ make check" in drawn(Screen(), events)
    assert "$ make check" not in draw(Screen(), events)


def test_whatever_is_long_is_whole():
    diff = "--- a/a.py\n+++ b/a.py\n@@ -0,0 +1,300 @@\n" + "".join(f"+x{n}\n" for n in range(300))
    failures = {f"t{n}": "\n".join(f"line {n}.{k}" for k in range(20)) for n in range(5)}
    output = "\n".join(f"output {n}" for n in range(500))
    ran = TestsRan(TestRun("pytest", 1, 1.0, output, {}, failures), "step")
    events: list[Event] = [EditApplied("a.py", "created", diff, 300, 0), ran]
    part, whole = drawn(Screen(), events), drawn(Screen(), events, whole=True)
    for text in ("x299", "line 4.19", "output 499", "output 250"):
        assert text not in part
        assert text in whole
    assert "not shown here" in part
    assert "not shown here" not in whole


def test_the_body_of_a_call_is_shown_once():
    answered: list[Event] = [TurnStarted(1, "edit"), TokenDelta(f"head\n{CODE}"), ToolStarted(CALL)]
    assert shown(answered, whole=True).count("ROUND_HALF_UP") == 1
    forced: list[Event] = [TurnStarted(1, "edit"), TokenDelta("head\n"), ToolStarted(CALL)]
    assert shown(forced, whole=True).count("ROUND_HALF_UP") == 1
    later: list[Event] = [*answered, TurnStarted(2, "edit"), ToolStarted(CALL)]
    assert shown(later, whole=True).count("ROUND_HALF_UP") == 2


EVIL_EVENTS: list[Event] = [
    replace(BEGUN, title=EVIL, repository=EVIL, test_command=EVIL, sandbox=EVIL),
    TokenDelta(EVIL),
    ToolStarted(ToolCall("x", {"path": EVIL, "list": [EVIL]}, EVIL)),
    ToolEnded(ToolCall("x", {}), ToolResult(f"{EVIL}\n{EVIL}"), 0.0),
    EditApplied(EVIL, "changed", DIFF.replace("Decimal", EVIL.replace("\r", "")), 1, 1),
    TestsRan(TestRun(EVIL, 1, 0.1, EVIL, {EVIL: "failed"}, {EVIL: EVIL}), "step"),
    Warned(EVIL, EVIL),
    replace(ENDED, reason=EVIL, branch=EVIL, next_commands=(EVIL,), steps=(
        replace(SOLVED, title=EVIL, reason=EVIL, plan=EVIL),
    )),
]  # fmt: skip


@pytest.mark.parametrize("whole", [False, True])
def test_nothing_from_outside_reaches_the_terminal_as_it_is(whole):
    for text in (shown(EVIL_EVENTS, whole=whole), drawn(Screen(), EVIL_EVENTS, whole=whole)):
        assert set(text) & set("\x1b\x07\u202e\x9b\r") == set()
    if whole:
        assert r"\x1b]0;owned\x07[red]x[/red]\x1b[2J\u202eabc\x9b31m" in shown(
            EVIL_EVENTS, whole=whole
        )


def test_a_run_without_its_end_says_so(tmp_path):
    run = look_at(keep("a", [BEGUN]))
    assert shown([BEGUN], told=no_end(run)).endswith(
        "\n\nthe transcript ends here: the run was killed, or ended by an error\n"
    )
    assert no_end(replace(run, is_under_way=True)) == "the run is still under way"
    assert no_end(look_at(keep("b"))) == ""


def test_json_is_what_was_written():
    path = keep("a", [*BEGIN, Warned("a\u202eb")])
    raw = io.BytesIO()
    with io.TextIOWrapper(raw, "ascii") as stream:
        show_run_json(transcript.read(path), stream)
        lines = raw.getvalue().decode("utf-8").split("\n")
    assert lines.pop() == ""
    assert "\u202e" not in lines[-1]
    assert [json.loads(line) for line in lines] == [
        json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()
    ]


# -- the pager --------------------------------------------------------------------------------


def on_terminal(monkeypatch: pytest.MonkeyPatch, pager: str, **environ: str) -> str:
    """Show the sample on a terminal whose user has this pager."""
    seen = bytearray()
    with terminal_stream(monkeypatch, seen) as stream:
        monkeypatch.setenv("PAGER", pager)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        show_run(records(), stream=stream)
    return seen.decode()


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager", "'"])
def test_without_a_pager_it_is_printed(monkeypatch, pager):
    text = on_terminal(monkeypatch, pager)
    assert "\x1b[1mMoney that adds up\x1b[0m" in text
    assert "qwenagent-money  # take it" in text.replace("\x1b[0m\x1b[90m", "")


def test_a_pager_gets_all_of_it_with_colours(monkeypatch):
    text = on_terminal(monkeypatch, "sed 's/^/>> /'")
    lines = text.removesuffix("\r\n").split("\r\n")
    assert all(line.startswith(">> ") for line in lines)
    assert lines[0].startswith(">> \x1b[1mMoney that adds up\x1b[0m")
    assert "take it as one commit" in lines[-1]


def test_no_color_holds_in_the_pager(monkeypatch):
    text = on_terminal(monkeypatch, "sed 's/^/>> /'", NO_COLOR="1")
    assert "\x1b[3" not in text
    assert "\x1b[9" not in text


def test_a_pager_that_is_left_ends_the_drawing(monkeypatch):
    seen = bytearray()
    n_drawn = 0

    def endless() -> Iterator[Record]:
        nonlocal n_drawn
        while True:
            n_drawn += 1
            yield from records([Warned("x" * 1000)])

    with terminal_stream(monkeypatch, seen) as stream:
        monkeypatch.setenv("PAGER", "head -n 1")
        show_run(endless(), stream=stream)
    assert n_drawn > 1
    assert seen.decode().count("\n") == 1


def test_a_dumb_terminal_gets_a_log_and_no_pager(monkeypatch):
    text = on_terminal(monkeypatch, "sed 's/^/>> /'", TERM="dumb")
    assert text.startswith("qwenagent 0.1.0: Money that adds up\r\n")
    assert "\x1b" not in text


# -- the table --------------------------------------------------------------------------------


def past(**changes: Any) -> PastRun:
    return replace(look_at(keep("20261122-051903-9f3a1c")), **changes)


def several() -> list[PastRun]:
    """One of every ending."""
    task = replace(BEGUN, kind="task", title=f"make it green {EVIL}", steps=BEGUN.steps[:1])
    solved = replace(ENDED, exit_code=0, steps=(SOLVED,), seconds=3725.0)
    return [
        past(run_id="20261122-051903-9f3a1c"),
        past(run_id="20261122-051903-000001", started=task, finished=solved),
        past(run_id="20261122-051903-000002", finished=replace(ENDED, exit_code=130)),
        past(run_id="20261122-051903-000003", finished=replace(ENDED, exit_code=4)),
        past(run_id="20261122-051903-000004", finished=None),
        past(run_id="20261122-051903-000005", finished=None, is_under_way=True),
        PastRun("20261122-051903-000006", past().path, 0, 1_795_000_000.0),
        PastRun("20261122-051903-000007", past().path, 9, 1_795_000_000.0, trouble=f"no{EVIL}"),
    ]


def test_the_table_on_a_pipe():
    stream = io.StringIO()
    print_runs(several(), with_repository=True, stream=stream)
    check_snapshot("past_runs_plain", stream.getvalue())


@pytest.mark.parametrize(
    ("width", "encoding"), [(60, "utf-8"), (80, "utf-8"), (120, "utf-8"), (60, "ascii")]
)
def test_the_table_on_a_terminal(width, encoding):
    screen = Screen(width, encoding)
    draw_runs(several(), width == 80, screen)
    text = screen.written()
    assert max(map(len, text.split("\n"))) <= width
    check_snapshot(f"past_runs_{width}{'_ascii' * (encoding == 'ascii')}", text)


def test_the_table_as_json():
    stream = io.StringIO()
    run = past()
    print_runs_json([run, several()[-2]], stream)
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert first == {
        "type": "run", "run_id": "20261122-051903-9f3a1c", "path": str(run.path),
        "size_bytes": run.size_bytes, "time": 1795000001.5, "kind": "plan",
        "title": "Money that adds up", "repository": "/home/ada/src/shop with spaces",
        "branch": "qwenagent-money", "model": "qwen2.5-coder-1.5b-instruct-q4_k_m",
        "end": "not solved", "exit_code": 1,
        "reason": "1 of 3 steps solved, 1 blocked, 1 skipped", "steps": 3, "steps_done": 1,
        "seconds": 171.2, "usage": first["usage"],
    }  # fmt: skip
    assert first["usage"]["completion_tokens"] == 480
    unknown = {name for name, value in second.items() if value is None}
    assert unknown == set(first) - {"type", "run_id", "path", "size_bytes", "end", "seconds"}
    assert second["end"] == "never began"


def test_the_table_is_drawn_on_a_real_terminal(monkeypatch):
    seen = bytearray()
    with terminal_stream(monkeypatch, seen) as stream:
        print_runs([past()], with_repository=False, stream=stream)
    assert "\x1b[31mnot solved\x1b[0m" in seen.decode()


def test_importing_it_does_not_import_the_drawing_libraries():
    code = "import sys, qwenagent.ui.past; print([m for m in ('rich', 'pygments', 'platformdirs') "
    done = subprocess.run(
        [sys.executable, "-c", code + "if m in sys.modules])"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "[]\n"
