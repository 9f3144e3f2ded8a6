"""Prompt lookup: guesses how an answer goes on by where its end has stood before.

Rewriting a file is mostly copying it, and answers to one prompt are much like each other. A guess
is a row of tokens that the model then confirms in one batch, so a wrong one costs time and never
changes the answer. Knows tokens only.
"""

from __future__ import annotations

from collections.abc import Sequence

N_GRAMS = (4, 2, 1)
"""Tokens by which places are looked for, the longest that is found counts."""
LONGEST = 128
"""Agreement is not counted beyond this. In files of like functions 32 tokens are often the same,
and only what stands before them tells which function is being copied."""
PLACES = 64
"""So many of the latest places with the same end are compared."""


class Lookup:
    """An index over a prompt and the answers that grow behind it."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._texts: list[list[int]] = [[]]
        """The prompt, then the answers, which begin with the end of the prompt."""
        self._places: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        """By their last tokens: text and position, the latest last."""
        self.extend(0, prompt)

    def begin(self) -> int:
        """Begin another answer and return its number."""
        self._texts.append(self._texts[0][-LONGEST:])
        return len(self._texts) - 1

    def extend(self, number: int, tokens: Sequence[int]) -> None:
        """Add tokens at the end of an answer; number 0 is the prompt."""
        text = self._texts[number]
        for token in tokens:
            text.append(token)
            for n in N_GRAMS:
                if len(text) >= n:
                    self._places.setdefault(tuple(text[-n:]), []).append((number, len(text)))

    def guess(self, number: int, limit: int) -> tuple[list[int], int]:
        """Return up to `limit` tokens that may come next, and how many before them agree.

        Of several places the one with the longest agreement counts, then the latest.
        """
        tail = self._texts[number]
        for n in N_GRAMS:
            if places := self._useful(tuple(tail[-n:])):
                agreed = [_agreement(text, at, tail, n) for text, at in places]
                best = agreed.index(max(agreed))
                text, at = places[best]
                return text[at : at + limit], agreed[best]
        return [], 0

    def _useful(self, end: tuple[int, ...]) -> list[tuple[list[int], int]]:
        """Return the latest places behind these tokens, if anything stands behind them."""
        latest = reversed(self._places.get(end, [])[-PLACES:])
        places = ((self._texts[number], at) for number, at in latest)
        return [(text, at) for text, at in places if at < len(text)]


def _agreement(text: Sequence[int], at: int, tail: Sequence[int], n: int) -> int:
    """Return how many tokens before `at` are those at the end of `tail`, where `n` of them are."""
    most = min(LONGEST, at, len(tail))
    while n < most and text[at - n - 1] == tail[-n - 1]:
        n += 1
    return n
