"""The few formulas of the reports: intervals of shares, and paired tests. Exact where it can be."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

_Z_95 = 1.959963984540054
"""Of a two-sided interval of 95 %."""
_EXACT_UP_TO = 16
"""Differences; their signs can be flipped in 65,536 ways."""
_DRAWN = 100_000


def wilson(k: int, n: int) -> tuple[float, float]:
    """Return the 95 % interval of a share of `k` in `n` (Wilson 1927, without correction)."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = k / n, _Z_95 * _Z_95
    middle = p + z2 / (2 * n)
    half = _Z_95 * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n))
    scale = 1 + z2 / n
    return max(0.0, (middle - half) / scale), min(1.0, (middle + half) / scale)


def sign_test(wins: int, losses: int) -> float:
    """Return the two-sided p of so many wins and losses if both are as likely (exact McNemar)."""
    n, fewer = wins + losses, min(wins, losses)
    if n == 0:
        return 1.0
    n_as_far = 2 * sum(math.comb(n, i) for i in range(fewer + 1))
    return min(1.0, n_as_far / (1 << n))


def permutation_test(differences: Sequence[float], seed: int = 0) -> float:
    """Return the two-sided p of paired differences under random signs.

    Exact for up to 16 that are not zero; with more, from 100,000 draws.
    """
    real = np.array([d for d in differences if d])
    if not len(real):
        return 1.0
    seen = abs(float(real.sum()))
    if len(real) <= _EXACT_UP_TO:
        signs = np.array(list(itertools.product((-1, 1), repeat=len(real))))
        return float(np.mean(np.abs(signs @ real) >= seen - 1e-9))
    signs = np.random.default_rng(seed).choice((-1, 1), size=(_DRAWN, len(real)))
    n_as_far = int(np.count_nonzero(np.abs(signs @ real) >= seen - 1e-9))
    return (n_as_far + 1) / (_DRAWN + 1)
