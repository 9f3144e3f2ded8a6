"""Ticks the boxes of finished steps in the bytes of a plan. Knows lines, not what a step is."""

from __future__ import annotations

import re
from collections.abc import Collection

_BOX = re.compile(
    rb"(?:\xef\xbb\xbf)?[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)*(?:#{1,6}[ \t]+)?"
    rb"\[(?P<mark> )\](?=\s|$)"
)
_LINE_END = re.compile(rb"\r\n|\r|\n")


def ticked(data: bytes, lines: Collection[int]) -> bytes:
    """Return the plan with the boxes of the steps that begin at `lines` ticked.

    `lines` are those of `Step.line`, from 1. One character a box changes and nothing else; a line
    without an open box stays as it is.
    """
    changed = bytearray(data)
    starts = [0, *(end.end() for end in _LINE_END.finditer(data))]
    for number in set(lines):
        if not 1 <= number <= len(starts):
            continue
        box = _BOX.match(data, starts[number - 1])
        if box is not None:
            changed[box.start("mark")] = ord("x")
    return bytes(changed)
