"""Draws sentences from a grammar by walking it character by character."""

from __future__ import annotations

from random import Random

from qwenagent.grammar import Recogniser
from qwenagent.grammar.reading import CharSet

_POOL = "abz AZ09_-./'\"\\`{}[]:,#\n\té\u00dfя中🙂\u2028\ufeff\x7f\x01"


def draw(gbnf: str, random: Random, limit: int = 2000) -> str:
    """Return a random sentence; an error if there is none of at most `limit` characters."""
    recogniser = Recogniser(gbnf)
    text = ""
    while len(text) < limit:
        sets = recogniser.next_chars()
        if recogniser.complete and (not sets or random.random() < 0.2):
            return text
        text += _char_of(random.choice(sets), random)
        assert recogniser.feed(text[-1])
    raise AssertionError(f"no sentence within {limit} characters: {text[-60:]!r}")


def _char_of(chars: CharSet, random: Random) -> str:
    if chars.negated:
        return random.choice([c for c in _POOL if c in chars])
    low, high = random.choice(chars.ranges)
    return chr(random.randint(ord(low), ord(high)))
