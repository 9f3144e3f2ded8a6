"""A terminal's screen as it changes, as one SVG that moves.

A row that stays the same from one frame to the next is in the file once, shown from when to when.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any
from xml.sax.saxutils import escape

from rich.color import Color
from rich.style import Style
from rich.terminal_theme import SVG_EXPORT_THEME as THEME

from tests.terminal_stage import Terminal

EVERY_S = 0.25
WIDE, HIGH, MARGIN, HEAD = 12.2, 24.4, 10.0, 40.0
"""Of a cell, around all, and above the first row; the letters are 20 high."""
BACK, FORE = THEME.background_color.hex, THEME.foreground_color.hex

Row = tuple[tuple[str, Style], ...]
"""Texts of one style each, from the left."""


class Filmed(Terminal):
    """A terminal that is filmed while it is waited for."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.frames: list[tuple[float, list[Row]]] = []
        """When each was first seen, in seconds of the clock, and its rows."""
        super().__init__(*args, **options)

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read, and keep each screen that differs from the one before."""

        def seen() -> bool:
            self._keep()
            return done()

        super().read_until(seen)

    def _keep(self) -> None:
        now = time.monotonic()
        if self.frames and now - self.frames[-1][0] < EVERY_S:
            return
        rows = [row_of(cells) for cells in self.cells()]
        if not self.frames or rows != self.frames[-1][1]:
            self.frames.append((now, rows))


def row_of(cells: list[Any]) -> Row:
    """Return a row of pyte's cells as texts; blanks at its end are left out."""
    parts = [
        ("".join(cell.data or " " for cell in run), style)
        for style, run in groupby(cells, style_of)
    ]
    while parts and not parts[-1][0].strip() and parts[-1][1] == Style():
        parts.pop()
    return tuple(parts)


def style_of(cell: Any) -> Style:
    """Return the style of one of pyte's cells."""
    return Style(
        color=_colour(cell.fg),
        bgcolor=_colour(cell.bg),
        bold=cell.bold or None,
        italic=cell.italics or None,
        reverse=cell.reverse or None,
    )


def _colour(name: str) -> str | None:
    name = name.replace("brown", "yellow")  # as pyte calls it
    if name == "default":
        return None
    if len(name) == 6 and all(c in "0123456789abcdef" for c in name.lower()):
        return f"#{name}"
    return f"bright_{name.removeprefix('bright')}" if name.startswith("bright") else name


def film(frames: list[tuple[float, list[Row]]], columns: int, hold_s: float = 4.0) -> str:
    """Return the SVG; it begins anew after the last frame was shown for `hold_s` seconds."""
    begin = frames[0][0]
    starts = [at - begin for at, _ in frames] + [frames[-1][0] - begin + hold_s]
    n_rows = max(len(rows) for _, rows in frames)
    width, height = columns * WIDE + 2 * MARGIN, n_rows * HIGH + HEAD + MARGIN
    spans: dict[tuple[int, int], list[str]] = {}
    for y in range(n_rows):
        for first, end, row in _lasting([rows[y] for _, rows in frames]):
            if row:
                spans.setdefault((first, end), []).append("".join(_drawn(row, y)))
    style = ["text{white-space:pre}"]
    body = []
    for n, ((first, end), rows) in enumerate(sorted(spans.items())):
        style.append(_keyframes(n, starts[first], starts[end], starts[-1]))
        body.append(f'<g class="f{n}">{"".join(rows)}</g>')
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}">',
            f"<style>{''.join(style)}</style>",
            f'<rect width="100%" height="100%" rx="8" fill="{BACK}"/>',
            *(
                f'<circle cx="{26 + 22 * n}" cy="22" r="7" fill="{colour}"/>'
                for n, colour in enumerate(("#ff5f57", "#febc2e", "#28c840"))
            ),
            f'<g transform="translate({MARGIN:g},{HEAD:g})" fill="{FORE}" font-size="20"'
            ' font-family="Fira Code,Menlo,Consolas,monospace">',
            *body,
            "</g>\n</svg>\n",
        ]
    )


def _lasting(rows: list[Row]) -> Iterator[tuple[int, int, Row]]:
    """Yield from which frame to which, the end not included, a row stays what it is."""
    at = 0
    for row, same in groupby(rows):
        end = at + len(list(same))
        yield at, end, row
        at = end


def _keyframes(n: int, start: float, end: float, total: float) -> str:
    first, last = (f"{100 * at / total:.3f}%" for at in (start, end))
    hidden = "visibility:hidden"
    shown = f"{first}{{visibility:visible}}" + (f"{last}{{{hidden}}}" if end < total else "")
    before = f"0%{{{hidden}}}" if start > 0 else ""
    return (
        f"@keyframes k{n}{{{before}{shown}}}"
        f".f{n}{{{hidden};animation:k{n} {total:.2f}s step-end infinite}}"
    )


def _drawn(row: Row, y: int) -> Iterator[str]:
    x = 0
    for text, style in row:
        fore, back = (_hex(colour) for colour in (style.color, style.bgcolor))
        if style.reverse:
            fore, back = back or BACK, fore or FORE
        left, wide = x * WIDE, len(text) * WIDE
        if back:
            top = f'x="{left:.1f}" y="{y * HIGH:.1f}" height="{HIGH}"'
            yield f'<rect {top} width="{wide:.1f}" fill="{back}"/>'
        if text.strip():
            look = f' fill="{fore}"' if fore else ""
            look += ' font-weight="bold"' if style.bold else ""
            look += ' font-style="italic"' if style.italic else ""
            place = f'x="{left:.1f}" y="{y * HIGH + 19:.1f}" textLength="{wide:.1f}"'
            yield f"<text {place}{look}>{escape(text)}</text>"
        x += len(text)


def _hex(colour: Color | None) -> str:
    return colour.get_truecolor(THEME).hex if colour else ""
