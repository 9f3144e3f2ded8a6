"""Prompt lookup: guesses how an answer goes on by where its end has stood before.

Rewriting a file is mostly copying it, and answers to one prompt are much like each other. A guess
is a row of tokens that the model then confirms in one batch, so a wrong one costs time and never
changes the answer. Knows tokens only.
"""

from __future__ import annotations

from collections.abc import Sequence

N_GRAM = 4
"""Tokens that have to agree before a place counts at all."""
LONGEST = 32
"""Agreement is not counted beyond this."""
PLACES = 4
"""So many of the latest places with the same end are compared."""
_LOOKED_AT = 16
"""Of the latest places; some have nothing behind them, as where an answer itself has arrived."""


class Lookup:
    """An index over a prompt and the answers that grow behind it."""

    def __init__(self, prompt: Sequence[int]) -> None:
        self._texts: list[list[int]] = [[]]
        """The prompt, then the answers, which begin with the end of the prompt."""
        self._places: dict[tuple[int, ...], list[tuple[int, int]]] = {}
        """By n-gram: text and position behind it, the latest last."""
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
            if len(text) >= N_GRAM:
                key = tuple(text[-N_GRAM:])
                self._places.setdefault(key, []).append((number, len(text)))

    def guess(self, number: int, limit: int) -> tuple[list[int], int]:
        """Return up to `limit` tokens that may come next, and how many before them agree.

        Of several places the one with the longest agreement counts, then the latest.
        """
        tail = self._texts[number]
        best: list[int] = []
        agreed = n_compared = 0
        for other, at in reversed(self._places.get(tuple(tail[-N_GRAM:]), [])[-_LOOKED_AT:]):
            text = self._texts[other]
            if at == len(text) or n_compared == PLACES:
                continue
            n_compared += 1
            n = _agreement(text, at, tail)
            if n > agreed:
                best, agreed = text[at : at + limit], n
        return best, agreed


def _agreement(text: Sequence[int], at: int, tail: Sequence[int]) -> int:
    """Return how many tokens before `at` are those at the end of `tail`."""
    n, most = N_GRAM, min(LONGEST, at, len(tail))
    while n < most and text[at - n - 1] == tail[-n - 1]:
        n += 1
    return n
