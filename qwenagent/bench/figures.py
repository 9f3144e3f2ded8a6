"""What the benchmark tells: a figure with its spread, and what was hoped for."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Reach = Literal["at least", "at most", ""]


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value: the median of several rounds."""

    key: str
    what: str
    values: tuple[float, ...]
    reach: Reach = ""
    wanted: float = 0.0
    unit: str = ""
    note: str = ""

    @property
    def median(self) -> float:
        """The middle of the values."""
        return statistics.median(self.values)

    @property
    def is_reached(self) -> bool:
        """Whether the median is where it was hoped to be."""
        match self.reach:
            case "at least":
                return self.median >= self.wanted
            case "at most":
                return self.median <= self.wanted
        return True


def ratios(above: Sequence[float], below: Sequence[float]) -> tuple[float, ...]:
    """Return the ratio of each round's two arms."""
    return tuple(a / b for a, b in zip(above, below, strict=True))
