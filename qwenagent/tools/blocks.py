"""The body of `search_replace`: blocks of lines to find and lines to put there. Knows no files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from qwenagent.errors import EditRefused
from qwenagent.grammar.search import MAX_BLOCKS, Markers


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of a file, and those that come in their place."""

    search: tuple[str, ...]
    replace: tuple[str, ...]


def parse_blocks(rows: Sequence[str], marks: Markers) -> tuple[Block, ...]:
    """Read the lines of a body.

    A marker is a line of its own, blanks behind it aside. Between blocks there may be blank lines.

    Raises:
        EditRefused: they are no blocks; the message says how one is written.
    """
    found: list[Block] = []
    at = _next(rows, 0)
    while at < len(rows):
        if rows[at].rstrip() != marks.search:
            raise _malformed(f"{rows[at][:80]!r} is outside of a block", marks)
        middle = _find(rows, marks.middle, at + 1, marks)
        end = _find(rows, marks.replace, middle + 1, marks)
        found.append(Block(tuple(rows[at + 1 : middle]), tuple(rows[middle + 1 : end])))
        at = _next(rows, end + 1)
    if not 1 <= len(found) <= MAX_BLOCKS:
        raise _malformed(f"{len(found)} blocks are none of 1 to {MAX_BLOCKS}", marks)
    return tuple(found)


def _next(rows: Sequence[str], at: int) -> int:
    while at < len(rows) and not rows[at].strip():
        at += 1
    return at


def _find(rows: Sequence[str], marker: str, start: int, marks: Markers) -> int:
    """Return where a marker is; another one before it is a block that does not end."""
    others = {marks.search, marks.replace} - {marker}
    for at in range(start, len(rows)):
        row = rows[at].rstrip()
        if row == marker:
            return at
        if row in others:
            break
    raise _malformed(f"a block has no line {marker!r}", marks)


def _malformed(what: str, marks: Markers) -> EditRefused:
    return EditRefused(
        f"{what}; write a line {marks.search!r}, lines of the file, a line {marks.middle!r}, "
        f"the new lines, a line {marks.replace!r}"
    )
