"""Decides how many guessed tokens are worth reading, from what a batch costs on this machine.

On a laptop's CPU a batch of 8 costs four times a single token, so short guesses lose; on a GPU
almost any guess pays. The costs are measured once and kept.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LENGTHS = (1, 2, 4, 8, 12, 16, 24, 32)
"""Batch sizes that are measured; between them the cost is a straight line."""
_ROUNDS = 3
_SMOOTHING = 0.3
_GIVE_UP_AFTER = 5
"""Guesses in a row that lost time; then no more are made for this answer until one is sure."""
_SURE = 24
"""Tokens of agreement that make a guess worth a try even then."""


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

    def worth(self, agreed: int, n_guessed: int) -> int:
        """Return how many guessed tokens to read, 0 if the next token alone is quicker.

        `agreed` is how many tokens before the guess agree: the more, the surer.
        """
        if self.n_lost >= _GIVE_UP_AFTER and agreed < _SURE:
            return 0
        sure = min(self.accepted, (agreed + 1) / (agreed + 2))
        best, gain = 0, 1.0
        for n in (n - 1 for n in LENGTHS[1:]):
            if n > n_guessed:
                break
            expected = sum(sure**i for i in range(n + 1))
            if expected * self.costs[0] / self._cost(n + 1) > gain:
                best, gain = n, expected * self.costs[0] / self._cost(n + 1)
        return best

    def learn(self, n_read: int, n_right: int) -> None:
        """Note how many of the guessed tokens that were read were right."""
        share = n_right / n_read
        self.accepted += _SMOOTHING * (share - self.accepted)
        lost = (n_right + 1) * self.costs[0] < self._cost(n_read + 1)
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
    known: dict[str, list[float]] = {}
    if path:
        with suppress(OSError, ValueError):
            known = json.loads(path.read_text(encoding="utf-8"))
    if len(known.get(key, ())) == len(LENGTHS):
        return known[key]
    known[key] = measured()
    if path:
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(known, indent=1), encoding="utf-8")
    return known[key]
