"""The growing table: lines on a pipe; on a terminal the last rows, and in the end all of them."""

from __future__ import annotations

import io
import re
from typing import TextIO

import pytest

from qwenagent.ui import LiveTable
from qwenagent.ui.printable import printable
from tests.test_ui_live import EVIL, Screen
from tests.test_ui_table import terminal_stream

COLUMNS = ("", "task", "note")


def numbered(count: int) -> list[tuple[str, str, str]]:
    return [("pass", f"task-{number:02}", "") for number in range(count)]


def test_a_pipe_gets_a_line_for_each_row_with_the_status():
    stream = io.StringIO()
    done: list[tuple[str, ...]] = []
    with LiveTable(COLUMNS, lambda: f"{len(done)} of 3", stream) as table:
        for cells in (("pass", "one", ""), ("fail", "two", "late"), ("", "three", "")):
            done.append(cells)
            table.add(cells)
    assert stream.getvalue() == "pass  one  [1 of 3]\nfail  two  late  [2 of 3]\nthree  [3 of 3]\n"


def test_a_pipe_gets_nothing_that_acts():
    stream = io.StringIO()
    with LiveTable(COLUMNS, lambda: f"at {EVIL}\nnow", stream) as table:
        table.add(("fail", EVIL, "two\nlines\r\n[b]"))
    assert stream.getvalue() == ("fail  [red]x[/red]abc  two lines [b]  [at [red]x[/red]abc now]\n")


def test_what_a_pipe_lacks_becomes_a_question_mark():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, "ascii", newline="\n")
    with LiveTable(COLUMNS, lambda: "ü", stream) as table:
        table.add(("pass", "漢字", ""))
    assert raw.getvalue() == b"pass  ??  [?]\n"


def drawn(table: LiveTable, height: int = 30) -> list[str]:
    screen = Screen(60)
    screen.height = height
    screen.print(table)
    return [line.rstrip() for line in screen.written().splitlines()]


@pytest.mark.parametrize(("height", "first"), [(10, 14), (24, 0), (3, 19)])
def test_only_the_last_rows_while_it_goes_on(height, first):
    table = LiveTable(COLUMNS, lambda: "20 of 30", io.StringIO())
    for cells in numbered(20):
        table.add(cells)
    rows = [f"pass  task-{number:02}" for number in range(first, 20)]
    assert drawn(table, height) == ["      task     note", *rows, "20 of 30"]


def test_a_line_stays_a_line():
    table = LiveTable(COLUMNS, lambda: "now", io.StringIO())
    table.add(("fail", "one", "a long note " * 20))
    lines = drawn(table)
    assert len(lines) == 3
    assert max(map(len, lines)) <= 60
    assert lines[1].endswith("…")


def test_a_terminal_has_all_rows_in_the_end(monkeypatch):
    monkeypatch.setenv("LINES", "10")
    seen = bytearray()
    with (
        terminal_stream(monkeypatch, seen) as stream,
        LiveTable(COLUMNS, lambda: "40 of 40", stream) as table,
    ):
        for cells in numbered(40):
            table.add(cells)
    last = printable(seen.decode())
    last = last[last.rindex("task  ") :]
    assert re.findall(r"task-\d\d", last) == [f"task-{number:02}" for number in range(40)]
    assert last.rstrip().endswith("40 of 40")


def test_a_terminal_gets_its_cursor_back_and_no_commands(monkeypatch):
    seen = bytearray()

    def interrupted(stream: TextIO) -> None:
        with LiveTable((EVIL, "task", "note"), lambda: EVIL, stream) as table:
            table.add(("fail", EVIL, "[b]bold[/b]\n:smile:"))
            raise KeyboardInterrupt

    with terminal_stream(monkeypatch, seen) as stream, pytest.raises(KeyboardInterrupt):
        interrupted(stream)
    text = seen.decode()
    assert "[b]bold[/b] :smile:" in text
    assert "[red]x[/red]abc" in text
    assert "owned" not in text
    assert "\x1b[2J" not in text
    assert "\u202e" not in text
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
