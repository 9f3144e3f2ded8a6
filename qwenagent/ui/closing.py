"""The table at the end of a run, for a terminal of any width."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from qwenagent.protocol.events import StepLine
from qwenagent.ui import words
from qwenagent.ui.printable import one_line
from qwenagent.ui.symbols import STATE_STYLE, Symbols, state_symbol

_WIDE = 90


def closing_table(steps: tuple[StepLine, ...], symbols: Symbols, width: int) -> Table:
    """Return number, step, end, tests, time and commit; on narrow terminals two lines a step."""
    wide = width >= _WIDE
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bright_black")
    table.add_column("  #", justify="right", no_wrap=True)
    table.add_column("step", overflow="fold", ratio=1)
    table.add_column("end", no_wrap=True)
    if wide:
        table.add_column("tests", overflow="fold")
    table.add_column("time", justify="right", no_wrap=True)
    if wide:
        table.add_column("commit", no_wrap=True)
    plan = ""
    for line in steps:
        if line.plan != plan:
            plan = line.plan
            table.add_row("", Text(one_line(plan), "bold"))
        table.add_row(*(_wide_row if wide else _narrow_row)(line, symbols))
    return table


def _wide_row(line: StepLine, symbols: Symbols) -> list[Text]:
    number, title, end, time = _cells(line, symbols)
    return [number, title, end, _tests(line, symbols), time, Text(words.short(line.commit))]


def _narrow_row(line: StepLine, symbols: Symbols) -> list[Text]:
    number, title, end, time = _cells(line, symbols)
    commit = Text(f"commit {words.short(line.commit)}" if line.commit else "")
    for more in (_tests(line, symbols), commit):
        if more:
            title.append("\n").append(more.plain, "bright_black")
    return [number, title, end, time]


def _cells(line: StepLine, symbols: Symbols) -> tuple[Text, Text, Text, Text]:
    end = Text(f"{state_symbol(line.state, symbols)} {words.end_of(line)}", STATE_STYLE[line.state])
    time = Text(words.duration(line.seconds))
    return Text(f"  {line.number}"), Text(one_line(line.title)), end, time


def _tests(line: StepLine, symbols: Symbols) -> Text:
    return Text(words.tests_change(line).replace(" -> ", f" {symbols.arrow} "))
