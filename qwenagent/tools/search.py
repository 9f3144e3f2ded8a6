"""Replaces lines of a text that are named by what they say. Writes nothing."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Sequence

from qwenagent.errors import EditRefused
from qwenagent.grammar import fence_for
from qwenagent.grammar.search import markers
from qwenagent.tools.blocks import parse_blocks
from qwenagent.tools.splice import Span, Spliced, spliced
from qwenagent.tools.truncate import cut_line

_SHOWN_LINES = 12
_SHOWN_PLACES = 8
_SHOWN_WIDTH = 200
_LEAST_ALIKE = 0.5
"""Of `difflib`, 1 is the same. What is less alike is another line."""


def search_replaced(path: str, old: str, body: str) -> Spliced:
    """Return a text with the blocks of `body` carried out, all of them found in `old`.

    Raises:
        EditRefused: the body has another form, or what it searches for is not there, in several
            places, or in another block too; the message says what to write instead.
    """
    lines = old.removesuffix("\n").split("\n") if old else []
    rows = body.removesuffix("\n").split("\n")
    if not any(line.endswith("\r") for line in lines):  # then it is the body's line end
        rows = [row.removesuffix("\r") for row in rows]
    blocks = parse_blocks(rows, markers(old))
    spans = []
    for number, block in enumerate(blocks, 1):
        which = f"block {number}: " if len(blocks) > 1 else ""
        start = _place(path, lines, block.search, which)
        spans.append(Span(start, start + len(block.search), block.replace))
    spans.sort(key=lambda span: span.start)
    for one, other in itertools.pairwise(spans):
        if one.end > other.start:
            raise EditRefused(
                f"two blocks change line {other.start + 1} of {path}; write them as one block"
            )
    return spliced(old, spans)


def _place(path: str, lines: Sequence[str], search: Sequence[str], which: str) -> int:
    if not search:
        raise EditRefused(
            f"{which}nothing is searched for; copy the lines that are to change, or one beside "
            "which new ones come"
        )
    places = _places(lines, search)
    if len(places) == 1:
        return places[0]
    if not places:
        raise EditRefused(which + _nearest(path, lines, search))
    numbers = ", ".join(str(at + 1) for at in places[:_SHOWN_PLACES])
    more = ", ..." if len(places) > _SHOWN_PLACES else ""
    what = "that line is" if len(search) == 1 else "those lines are"
    raise EditRefused(
        f"{which}{what} in {path} {len(places)} times, at {numbers}{more}; add the lines before "
        "or after, so that it can be only one place"
    )


def _places(lines: Sequence[str], search: Sequence[str]) -> list[int]:
    wanted, n = list(search), len(search)
    starts = (at for at, line in enumerate(lines) if line == wanted[0])
    return [at for at in starts if list(lines[at : at + n]) == wanted]


def _nearest(path: str, lines: Sequence[str], search: Sequence[str]) -> str:
    """Say what there is instead of lines that are not there."""
    start = _start_of_nearest(lines, search)
    if start is None:
        return f"{path} has no line like {cut_line(search[0], 80)!r}; read_file shows it"
    shown = [cut_line(row) for row in lines[start : start + min(len(search), _SHOWN_LINES)]]
    fence = fence_for(*shown)
    text = "\n".join(shown)
    return (
        f"{path} has no such lines; the nearest begin at line {start + 1}, copy them exactly:\n"
        f"{fence}\n{text}\n{fence}"
    )


def _start_of_nearest(lines: Sequence[str], search: Sequence[str]) -> int | None:
    """Return where the lines are but for white space, else where the longest of them is nearly."""
    plain, wanted = [_plain(row) for row in lines], [_plain(row) for row in search]
    if places := _places(plain, wanted):
        return places[0]
    anchor = max(wanted, key=len)
    choice = dict.fromkeys(row for row in plain if row)
    alike = difflib.get_close_matches(anchor, choice, n=1, cutoff=_LEAST_ALIKE) if anchor else []
    return max(plain.index(alike[0]) - wanted.index(anchor), 0) if alike else None


def _plain(row: str) -> str:
    return " ".join(row[:_SHOWN_WIDTH].split())
