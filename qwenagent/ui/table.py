"""Tables, check lines and download progress for the commands that are not runs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from qwenagent.ui import words
from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.extent import WHOLE
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.plain import aligned
from qwenagent.ui.printable import one_line, printable, revealed
from qwenagent.ui.symbols import symbols_for

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

_UNKNOWN_STEP_BYTES = 100_000_000


def print_rows(
    title: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    stream: TextIO | None = None,
) -> None:
    """Print a table: drawn on a terminal, aligned text elsewhere. Default stream: stdout."""
    stream = stream or sys.stdout
    cells = [[one_line(cell) for cell in row] for row in rows]
    if is_capable(stream):
        _print_rich_rows(title, columns, cells, stream)
        return
    out = LineWriter(stream)
    if title:
        out.line(one_line(title))
    for line in aligned([columns, *cells]):
        out.line(line)


def _print_rich_rows(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bright_black")
    for index, name in enumerate(columns):
        numbers = index > 0 and bool(rows) and all(row[index][:1].isdigit() for row in rows)
        table.add_column(Text(name), justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out = console(stream)
    if title:
        out.print(Text(one_line(title), "bold"))
    out.print(table)


def check_line(
    ok: bool | None, name: str, detail: str, hint: str = "", stream: TextIO | None = None
) -> None:
    """Print the result of one check of `doctor`; `ok=None` is a warning. Default: stdout."""
    stream = stream or sys.stdout
    capable = is_capable(stream)
    signs = symbols_for(getattr(stream, "encoding", None))
    sign = {True: signs.ok, False: signs.bad, None: signs.warn}[ok]
    word = {True: "ok  ", False: "bad ", None: "warn"}[ok]
    said = f"{one_line(name)}: {one_line(detail)}"
    hints = [line for line in printable(hint).split("\n") if line.strip()]
    if not capable:
        out = LineWriter(stream)
        for line in [f"{word} {said}", *(f"     {line}" for line in hints)]:
            out.line(line)
        return
    from rich.text import Text

    colour = {True: "green", False: "red", None: "yellow"}[ok]
    drawn = console(stream)
    drawn.print(Text.assemble((sign, f"bold {colour}"), " ", said))
    for line in hints:
        drawn.print(Text(f"  {line}", "bright_black"))


class DownloadView:
    """Shows bytes arriving; call it as `on_progress(label, done, total)`.

    A bar on a terminal, elsewhere a line every ten percent. A context manager: leaving it
    restores the terminal. `total` 0 means unknown.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._out = LineWriter(self._stream)
        self._said: dict[str, int] = {}
        self._bar: Progress | None = None
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        if is_capable(self._stream):
            self._bar = _bar(self._stream)
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        bar, self._bar = self._bar, None
        if bar is not None:
            bar.stop()

    def __call__(self, label: str, done: int, total: int) -> None:
        """Show that `done` of `total` bytes of `label` are there."""
        name = one_line(label, 60)
        if self._bar is None:
            self._say(name, done, total)
            return
        if name not in self._tasks:
            # A resumed download starts where it stopped: those bytes are not today's speed.
            self._tasks[name] = self._bar.add_task(name, total=total or None, completed=done)
        self._bar.update(self._tasks[name], completed=done, total=total or None)

    def _say(self, name: str, done: int, total: int) -> None:
        stage = 10 * done // total if total else done // _UNKNOWN_STEP_BYTES
        if self._said.get(name) == stage:
            return
        self._said[name] = stage
        if total:
            share = f"{100 * done // total} % of {words.size(total)}"
            self._out.line(f"{name}: {share}")
        else:
            self._out.line(f"{name}: {words.size(done)}")


def _bar(stream: TextIO) -> Progress:
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.table import Column

    drawn = console(stream)
    label = TextColumn(
        "{task.description}", markup=False, table_column=Column(overflow="ellipsis", no_wrap=True)
    )
    columns: list[ProgressColumn] = [label, BarColumn(bar_width=None if drawn.width > 90 else 10)]
    columns.append(DownloadColumn(table_column=Column(no_wrap=True)))
    if drawn.width > 70:
        columns.append(TransferSpeedColumn(table_column=Column(no_wrap=True)))
    left = TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True))
    return Progress(*columns, left, console=drawn, expand=False)


def print_diff(path: str, diff: str, added: int, removed: int) -> None:
    """Print the change of one file: coloured on a terminal, as it is elsewhere."""
    stream = sys.stdout
    if not is_capable(stream):
        out = LineWriter(stream)
        out.line(f"{one_line(path)} +{added} -{removed}")
        for line in revealed(diff).rstrip("\n").split("\n"):
            out.line(line)
        return
    from rich.text import Text

    from qwenagent.ui.diff import coloured_diff

    drawn = console(stream)
    head = Text(one_line(path), "bold").append(f" +{added}", "green").append(f" -{removed}", "red")
    drawn.print(head)
    drawn.print(coloured_diff(diff, path, WHOLE.n_diff_lines))
