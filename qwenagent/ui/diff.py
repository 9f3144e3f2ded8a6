"""A unified diff as coloured text: line numbers, signs, syntax. Knows nothing of events."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher

from rich.console import RenderableType
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from qwenagent.ui.extent import LIVE
from qwenagent.ui.hunks import DiffLine, diff_lines
from qwenagent.ui.printable import revealed
from qwenagent.ui.words import plural

_WORD = re.compile(r"\w+|\s+|.")
_ALIKE = 0.5


def coloured_diff(diff: str, path: str, n_lines: int = LIVE.n_diff_lines) -> RenderableType:
    """Return a grid of number, sign and code; long lines continue under themselves.

    At most `n_lines` are shown, and how many are not is said.
    """
    lines = list(diff_lines(diff))[1:]  # the first hunk needs no mark of its own
    shown = lines[:n_lines]
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", style="bright_black", no_wrap=True, min_width=6)
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold", ratio=1)
    for line, code in zip(shown, _highlighted(shown, path), strict=True):
        grid.add_row("..." if line.sign == "@" else str(line.number), _sign(line), code)
    if len(lines) > len(shown):
        grid.add_row("...", "", f"{plural(len(lines) - len(shown), 'more line')} not shown here")
    return grid


def _sign(line: DiffLine) -> Text:
    if line.sign == "+":
        return Text("+", "bold green")
    return Text("-", "bold red") if line.sign == "-" else Text(" ")


def _highlighted(lines: list[DiffLine], path: str) -> list[Text]:
    """Colour the new side by syntax; what goes is red, what stays is dim."""
    codes = [revealed(line.code).expandtabs(4) for line in lines]
    new_side = "\n".join(c for line, c in zip(lines, codes, strict=True) if line.sign != "-")
    # The 16 colours of the terminal's own theme: readable on dark and on light.
    syntax = Syntax("", Syntax.guess_lexer(path), theme="ansi_dark", background_color="default")
    coloured = iter(syntax.highlight(new_side).split("\n", allow_blank=True))
    texts = [
        Text(code, "red") if line.sign == "-" else _faded(next(coloured), line.sign)
        for line, code in zip(lines, codes, strict=True)
    ]
    for old, new in _pairs(lines):
        for span, other in _differing(codes[old], codes[new]):
            texts[old].stylize("reverse", *span)
            texts[new].stylize("reverse", *other)
    return texts


def _pairs(lines: list[DiffLine]) -> Iterator[tuple[int, int]]:
    """Yield where a line that goes and the one that comes in its place stand."""
    signs = "".join(line.sign for line in lines)
    for block in re.finditer(r"(-+)(\++)", signs):
        yield from zip(range(*block.span(1)), range(*block.span(2)), strict=False)


def _differing(old: str, new: str) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """Yield where the words are in which two lines differ: of the old line, of the new one.

    Nothing if they have less than half in common: then one line is gone, and another is new.
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    same = SequenceMatcher(None, before, after, autojunk=False)
    if same.ratio() < _ALIKE:
        return
    for kind, a, b, c, d in same.get_opcodes():
        if kind != "equal":
            yield _span(before, a, b), _span(after, c, d)


def _span(words: list[str], first: int, last: int) -> tuple[int, int]:
    start = sum(map(len, words[:first]))
    return start, start + sum(map(len, words[first:last]))


def _faded(code: Text, sign: str) -> Text:
    if sign != "+":
        code.stylize("dim")
    return code
