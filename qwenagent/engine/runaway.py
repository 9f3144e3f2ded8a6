"""Tells an answer that will not end: small models repeat themselves, or count on and on.

Looked at every 32 tokens: it costs nothing then, and a runaway has time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

EVERY_TOKENS = 32
PERIOD_MAX = 80
"""Longest piece that is recognised when it is repeated, in tokens."""
REPEATED_TOKENS = 320
"""So much of one short piece over and over is no text that anybody wants."""
COUNTED_LINES = 32
"""So many lines that differ in their numbers alone, too."""
KINDS_OF_LINES = 3
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[A-Za-z]{2,}")


def runs_away(tokens: Sequence[int], text: str) -> bool:
    """Return whether the end of an answer is a loop."""
    if len(tokens) % EVERY_TOKENS or len(tokens) < REPEATED_TOKENS:
        return False
    return repeats_itself(tokens) or counts_on(text)


def repeats_itself(tokens: Sequence[int]) -> bool:
    """Return whether the last REPEATED_TOKENS are one short piece over and over."""
    tail = tokens[-REPEATED_TOKENS:]
    return any(tail[p:] == tail[:-p] for p in range(1, PERIOD_MAX + 1))


def counts_on(text: str) -> bool:
    """Return whether the last lines are a few statements that differ in their numbers alone.

    Tables of bare numbers are not meant: a line without words ends the search.
    """
    lines = text.rsplit("\n", COUNTED_LINES + 1)[1:-1]
    if len(lines) < COUNTED_LINES or not all(_WORDS.search(line) for line in lines):
        return False
    return len({_DIGITS.sub("0", line) for line in lines}) <= KINDS_OF_LINES
