"""Decides how many guessed tokens are worth reading, from what a batch costs on this machine.

On a laptop's CPU a batch of 8 costs four times a single token, so short guesses lose; on a GPU
almost any guess pays. The costs are measured once and kept.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

LENGTHS = (1, 2, 4, 8, 12, 16, 24, 32)
"""Batch sizes that are measured; between them the cost is a straight line."""
_ROUNDS = 2
_QUICK_S = 0.5
_SURE = (
    (1, 0.33),
    (2, 0.5),
    (3, 0.55),
    (5, 0.65),
    (6, 0.8),
    (7, 0.87),
    (16, 0.96),
    (32, 0.98),
)
"""How often the next token is the guessed one, from so many tokens of agreement on: counted in 21
answers of the 1.5B, eight at a time at temperature 0.8."""
_SUREST = 0.995
_FADING = 0.97
"""What the failures of a step count one step later."""


@dataclass(frozen=True, slots=True)
class Chance:
    """A guess that could be read."""

    agreed: int
    """Tokens before it that agree: the more, the surer."""
    n_guessed: int
    n_answers: int = 1
    """Answers that are the same until now, and would all go on with it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a guess, in all the answers that it was for."""

    agreed: int
    n_right: int
    n_wrong: int


@dataclass(slots=True)
class Pace:
    """Costs of batches in seconds, by LENGTHS, and how guesses fared in the present answer."""

    costs: Sequence[float]
    wrong: float = 0.0
    """Guessed tokens that were wrong lately, and how many of them were to be expected."""
    expected_wrong: float = 0.0

    def reset(self) -> None:
        """Begin another answer."""
        self.wrong = self.expected_wrong = 0.0

    def worth(self, chances: Sequence[Chance]) -> list[int]:
        """Return how many guessed tokens to read for each; 0 for all if none is quicker.

        The likeliest tokens are added as long as the batch yields more tokens a second.
        """
        gains = sorted(
            (
                (chance.n_answers * self._sure(chance) ** i, index)
                for index, chance in enumerate(chances)
                for i in range(1, chance.n_guessed + 1)
            ),
            reverse=True,
        )
        expected = float(sum(chance.n_answers for chance in chances))
        best, least = 0, self._cost(len(chances)) / expected
        for n, (gain, _) in enumerate(gains[: LENGTHS[-1] - len(chances)], 1):
            expected += gain
            if self._cost(len(chances) + n) / expected < least:
                best, least = n, self._cost(len(chances) + n) / expected
        self.wrong *= _FADING
        self.expected_wrong *= _FADING
        chosen = [index for _, index in gains[:best]]
        return [chosen.count(index) for index in range(len(chances))]

    def learn(self, outcomes: Sequence[Outcome]) -> None:
        """Note what became of guesses."""
        for outcome in outcomes:
            n_tried = outcome.n_right + outcome.n_wrong
            self.wrong += outcome.n_wrong
            self.expected_wrong += n_tried * (1 - _usual(outcome.agreed))

    def _sure(self, chance: Chance) -> float:
        """Return how likely each guessed token is right: wrong as often as usual, and as lately."""
        doubt = (1 + self.wrong) / (1 + self.expected_wrong)
        return max(0.0, min(_SUREST, 1 - (1 - _usual(chance.agreed)) * doubt))

    def _cost(self, n: int) -> float:
        for low, high, a, b in zip(LENGTHS, LENGTHS[1:], self.costs, self.costs[1:], strict=False):
            if n <= high:
                return a + (b - a) * max(n - low, 0) / (high - low)
        return self.costs[-1] * n / LENGTHS[-1]


def _usual(agreed: int) -> float:
    return max((share for least, share in _SURE if agreed >= least), default=0.0)


def measure(read: Callable[[int], None]) -> list[float]:
    """Return the seconds that `read(n)` takes, for n in LENGTHS: the best of two if it is quick."""
    costs = []
    for n in LENGTHS:
        times: list[float] = []
        while not times or (len(times) < _ROUNDS and times[0] < _QUICK_S):
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
