"""Finds names by a few of their letters, best first. Knows nothing of files or keys.

Every pass is a comprehension over all names with an operation in C: 50,000 paths take
milliseconds, which scoring each in Python would not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

_MAX_COMPARED = 1_000
"""Of the names that have a query's letters in order, so many of the shortest are ranked."""


class Index:
    """Names that are searched. Made once for a list of names; reading is safe from any thread."""

    def __init__(self, names: Iterable[str], separator: str = "/") -> None:
        """`separator` divides a name; its last part counts more than the others."""
        self._names = sorted(names, key=lambda name: (len(name), name))
        self._lowered = [name.lower() for name in self._names]
        self._lasts = [name.rpartition(separator)[2] for name in self._lowered]

    def best(self, query: str, n: int) -> list[tuple[int, str]]:
        """Return at most `n` names with their rank, 0 the best; case does not matter.

        Ranks: the last part begins with the query, the name does; the last part has it inside, the
        name does; the last part has its letters in order, the name does. Within a rank short names
        are first, for letters in order those where they stand close together.
        """
        if not query:
            return [(0, name) for name in self._names[:n]]
        found: dict[int, int] = {}
        for rank, places in enumerate(self._passes(query.lower())):
            for place in islice(places, n):  # at most n - 1 of them were found before
                found.setdefault(place, rank)
            if len(found) >= n:
                break
        return [(rank, self._names[place]) for place, rank in islice(found.items(), n)]

    def _passes(self, query: str) -> Iterator[Iterable[int]]:
        lasts, lowered = self._lasts, self._lowered
        yield [place for place, last in enumerate(lasts) if last.startswith(query)]
        yield [place for place, name in enumerate(lowered) if name.startswith(query)]
        yield [place for place, last in enumerate(lasts) if query in last]
        yield [place for place, name in enumerate(lowered) if query in name]
        able: Sequence[int] = range(len(lowered))
        for letter in set(query):
            able = [place for place in able if letter in lowered[place]]
        able = _in_order(query, able, lowered)
        yield _in_order(query, sorted(able), lasts)
        yield able


def _in_order(query: str, places: Iterable[int], names: Sequence[str]) -> list[int]:
    """Return the places whose name has the query's letters in order, the closest together first."""
    # Possessive and from the start, so that a name is read once.
    first, *rest = (f"[^{re.escape(letter)}]*+{re.escape(letter)}" for letter in query)
    match = re.compile(f"{first}(?P<rest>{''.join(rest)})").match
    spans = ((len(m["rest"]), place) for place in places if (m := match(names[place])))
    return [place for _, place in sorted(islice(spans, _MAX_COMPARED))]
