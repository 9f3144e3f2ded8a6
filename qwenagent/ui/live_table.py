"""A table that grows while something long goes on, with a status line under it.

Drawn anew on a terminal; elsewhere a line for each row, and the status at the end of each.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from qwenagent.ui.choose_view import console, is_capable
from qwenagent.ui.lines import LineWriter
from qwenagent.ui.printable import one_line

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult
    from rich.live import Live

_BESIDE_ROWS = 4
"""Lines of the screen that are no rows: head, status, and some air."""


class LiveTable:
    """A context manager: leaving it leaves the whole table on the screen."""

    def __init__(
        self, columns: Sequence[str], status: Callable[[], str], stream: TextIO | None = None
    ) -> None:
        """`status` is asked every second on a terminal, and after each row elsewhere."""
        self._columns = [one_line(name) for name in columns]
        self._status = status
        self._stream = stream or sys.stdout
        self._rows: list[list[str]] = []
        self._is_over = False
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if is_capable(self._stream):
            from rich.live import Live

            self._live = Live(
                self, console=console(self._stream), refresh_per_second=2, transient=False
            )
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._is_over = True
        live, self._live = self._live, None
        if live is not None:
            live.refresh()
            live.stop()

    def add(self, cells: Sequence[str]) -> None:
        """Add a row."""
        row = [one_line(cell) for cell in cells]
        self._rows.append(row)
        if self._live is None:
            told = "  ".join(cell for cell in row if cell)
            LineWriter(self._stream).line(f"{told}  [{one_line(self._status())}]")

    def __rich_console__(self, drawn: Console, options: ConsoleOptions) -> RenderResult:
        """Draw what fits: the last rows while it goes on, all of them in the end."""
        from rich.table import Table
        from rich.text import Text

        room = max(1, (options.height or drawn.height) - _BESIDE_ROWS)
        rows = self._rows if self._is_over else self._rows[-room:]
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="bright_black")
        for name in self._columns:
            table.add_column(Text(name), no_wrap=True, overflow="ellipsis")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        yield table
        yield Text(one_line(self._status()), "bold")
