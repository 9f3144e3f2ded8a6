"""Prompt lookup: guesses how an answer goes on by where its end has stood before.

Rewriting a file is mostly copying it. A guess is a row of tokens that the model then confirms in
one batch, so a wrong one costs time and never changes the answer. Knows tokens only.
"""

from __future__ import annotations

from collections.abc import Sequence

N_GRAM = 4
"""Tokens that have to agree before a place counts at all."""
LONGEST = 32
"""Agreement is not counted beyond this."""
PLACES = 4
"""So many of the latest places with the same end are compared."""


class Lookup:
    """An index over a prompt and the answer that grows behind it."""

    def __init__(self, tokens: Sequence[int]) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], list[int]] = {}
        """By n-gram: the positions behind it, the latest last."""
        self.extend(tokens)

    def extend(self, tokens: Sequence[int]) -> None:
        """Add tokens at the end."""
        for token in tokens:
            self._tokens.append(token)
            at = len(self._tokens)
            if at >= N_GRAM:
                self._places.setdefault(tuple(self._tokens[at - N_GRAM :]), []).append(at)

    def guess(self, limit: int) -> tuple[list[int], int]:
        """Return up to `limit` tokens that may come next, and how many before them agree.

        Of several places the one with the longest agreement counts, then the latest.
        """
        end = len(self._tokens)
        best, agreed = 0, 0
        for place in reversed(
            self._places.get(tuple(self._tokens[end - N_GRAM :]), [])[-PLACES - 1 :]
        ):
            if place == end:
                continue
            n = self._agreement(place)
            if n > agreed:
                best, agreed = place, n
        return (self._tokens[best : best + limit], agreed) if agreed else ([], 0)

    def _agreement(self, place: int) -> int:
        """Return how many tokens before `place` are those at the end."""
        tokens, n = self._tokens, N_GRAM
        end = len(tokens)
        while n < LONGEST and n < place and tokens[place - n - 1] == tokens[end - n - 1]:
            n += 1
        return n
