"""Decides how many guessed tokens are worth reading, from what a batch costs on this machine.

On a laptop's CPU a batch of 8 costs four times a single token, so short guesses lose; on a GPU
almost any guess pays. The costs are measured once and kept.
"""

from __future__ import annotations

import json
import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

LENGTHS = (1, 2, 4, 8, 12, 16, 24, 32)
"""Batch sizes that are measured; between them the cost is a straight line."""
_ROUNDS = 3
_SMOOTHING = 0.3
_GIVE_UP_AFTER = 5
"""Guesses in a row that lost time; then no more are made for this answer until one is sure."""
_SURE = 24
"""Tokens of agreement that make a guess worth a try even then."""


_LIMITS = tuple(n - 1 for n in LENGTHS[1:])


@dataclass(frozen=True, slots=True)
class Chance:
    """A guess that could be read."""

    agreed: int
    """Tokens before it that agree: the more, the surer."""
    n_guessed: int
    n_answers: int = 1
    """Answers that are the same until now, and would all go on with it."""


@dataclass(slots=True)
class Pace:
    """Costs of batches in seconds, by LENGTHS, and how guesses fared in the present answer."""

    costs: Sequence[float]
    accepted: float = 0.9
    """Share of guessed tokens that were right, lately."""
    n_lost: int = 0

    def reset(self) -> None:
        """Begin another answer."""
        self.accepted, self.n_lost = 0.9, 0

    def worth(self, chances: Sequence[Chance]) -> list[int]:
        """Return how many guessed tokens to read for each; 0 for all if none is quicker."""
        if self.n_lost >= _GIVE_UP_AFTER:
            chances = [c if c.agreed >= _SURE else replace(c, n_guessed=0) for c in chances]
        n_answers = sum(chance.n_answers for chance in chances)
        best, least = [0] * len(chances), self._cost(len(chances)) / n_answers
        for limit in _LIMITS[: bisect_left(_LIMITS, max(c.n_guessed for c in chances)) + 1]:
            lengths = [min(limit, chance.n_guessed) for chance in chances]
            n_read = len(chances) + sum(lengths)
            if n_read > LENGTHS[-1]:
                break
            expected = sum(map(self._expected, chances, lengths))
            if self._cost(n_read) / expected < least:
                best, least = lengths, self._cost(n_read) / expected
        return best

    def _expected(self, chance: Chance, n: int) -> float:
        """Return the tokens to be hoped for if `n` guessed ones are read."""
        sure = min(self.accepted, (chance.agreed + 1) / (chance.agreed + 2))
        return chance.n_answers * sum(sure**i for i in range(n + 1))

    def learn(self, guessed: Sequence[tuple[int, int]], n_right: int) -> None:
        """Note that of these guesses, (tokens, answers) each, `n_right` tokens were right."""
        n_all = sum(n * n_answers for n, n_answers in guessed)
        self.accepted += _SMOOTHING * (n_right / n_all - self.accepted)
        n_answers = sum(n_answers for _, n_answers in guessed)
        n_read = sum(n for n, _ in guessed)
        without = self._cost(len(guessed)) / n_answers
        lost = self._cost(len(guessed) + n_read) / (n_answers + n_right) > without
        self.n_lost = self.n_lost + 1 if lost else 0

    def _cost(self, n: int) -> float:
        for low, high, a, b in zip(LENGTHS, LENGTHS[1:], self.costs, self.costs[1:], strict=False):
            if n <= high:
                return a + (b - a) * max(n - low, 0) / (high - low)
        return self.costs[-1] * n / LENGTHS[-1]


def measure(read: Callable[[int], None]) -> list[float]:
    """Return the seconds that `read(n)` takes, for n in LENGTHS: the best of three."""
    costs = []
    for n in LENGTHS:
        times = []
        for _ in range(_ROUNDS):
            start = time.perf_counter()
            read(n)
            times.append(time.perf_counter() - start)
        costs.append(min(times))
    return costs


def remembered(path: Path | None, key: str, measured: Callable[[], list[float]]) -> list[float]:
    """Return the costs kept under `key` in a file, or measure and keep them."""
    known = _kept(path) if path else {}
    if key in known:
        return known[key]
    known[key] = measured()
    if path:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known[key]


def _kept(path: Path) -> dict[str, list[float]]:
    """Return the costs in a file by their keys, without whatever is no costs."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    items = found.items() if isinstance(found, dict) else ()
    return {key: value for key, value in items if _is_costs(value)}


def _is_costs(value: object) -> bool:
    return (
        isinstance(value, list)
        and len(value) == len(LENGTHS)
        and all(isinstance(item, float) and 0 < item < math.inf for item in value)
    )
