"""A past run as it looked on the screen, drawn by the views that drew it, without its waiting."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, TextIO

from qwenagent.protocol.events import Finished, Record
from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.extent import PAST, WHOLE
from qwenagent.ui.hunks import changes
from qwenagent.ui.jsonl import JsonlView
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.past.pager import paged
from qwenagent.ui.past.whole import LeftOut
from qwenagent.ui.plain import PlainView
from qwenagent.ui.printable import one_line, revealed

if TYPE_CHECKING:
    from rich.console import Console

Quote = Callable[[str, str], None]
"""Shows a text from outside under a title."""

_FILES = re.compile(r"^(?=diff --git )", re.MULTILINE)


def show_run(
    records: Iterable[Record],
    *,
    whole: bool = False,
    no_end: str = "",
    stream: TextIO | None = None,
) -> None:
    """Show a run: in a pager on a terminal, as a log elsewhere. Default stream: stdout.

    `whole` adds what the screen leaves out. `no_end` is said where the records end without the
    closing report.
    """
    stream = stream or sys.stdout
    if is_capable(stream):
        _on_terminal(records, whole, no_end, stream)
    else:
        _as_log(records, whole, no_end, stream)


def show_run_json(records: Iterable[Record], stream: TextIO | None = None) -> None:
    """Print the records as JSON lines. Default stream: stdout."""
    view = JsonlView(stream or sys.stdout)
    for record in records:
        view(record)


def _on_terminal(records: Iterable[Record], whole: bool, no_end: str, stream: TextIO) -> None:
    with paged(stream) as page:
        out = console(page.stream, force=True)
        draw_run(records, whole, no_end, out, lambda: page.is_left)


def draw_run(
    records: Iterable[Record],
    whole: bool,
    no_end: str,
    out: Console,
    is_left: Callable[[], bool] = lambda: False,
) -> None:
    """Draw a run on a console until `is_left`."""
    from rich.padding import Padding
    from rich.text import Text

    from qwenagent.ui.live import LiveView

    def quote(title: str, text: str) -> None:
        out.print(Padding(Text(f"{title}:", "italic"), (0, 0, 0, 4), expand=False))
        shown = Text(_shown(text), "bright_black", overflow="fold")
        out.print(Padding(shown, (0, 0, 0, 6), expand=False))

    # Not entered: there is nothing to redraw below.
    view = LiveView(out, extent=WHOLE if whole else PAST)
    left_out = LeftOut()
    for record in records:
        if is_left():
            return
        view(record)
        if whole:
            _quote_parts(left_out, record, quote)
            if isinstance(record.event, Finished):
                _draw_diff(record.event.diff, out)
        if isinstance(record.event, Finished):
            no_end = ""
    if no_end:
        out.print(Text(f"\n{no_end}", "yellow"))


def _draw_diff(diff: str, out: Console) -> None:
    from rich.text import Text

    from qwenagent.ui.diff import coloured_diff

    for part in filter(None, _FILES.split(diff)):
        for path in changes(part):
            out.print(Text(f"\n{one_line(path)}", "bold"))
            out.print(coloured_diff(part, path, WHOLE.n_diff_lines))


def _as_log(records: Iterable[Record], whole: bool, no_end: str, stream: TextIO) -> None:
    out = LineWriter(stream)

    def quote(title: str, text: str) -> None:
        out.line(f"    {title}:")
        for line in _shown(text).split("\n"):
            out.line(f"      {line}".rstrip())

    view, left_out = PlainView(stream, WHOLE if whole else PAST), LeftOut()
    for record in records:
        view(record)
        if whole:
            _quote_parts(left_out, record, quote)
            if isinstance(record.event, Finished) and record.event.diff.strip():
                quote("everything that was changed", record.event.diff)
        if isinstance(record.event, Finished):
            no_end = ""
    if no_end:
        out.line()
        out.line(no_end)


def _quote_parts(left_out: LeftOut, record: Record, quote: Quote) -> None:
    for part in left_out.parts(record.event):
        quote(part.title, part.text)


def _shown(text: str) -> str:
    return revealed(text).expandtabs(4).strip("\n")
