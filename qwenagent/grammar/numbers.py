"""Numbers between two bounds, negative ones and fractions too, as terms."""

from __future__ import annotations

import math
from fractions import Fraction

from qwenagent.grammar.integers import between, same_length
from qwenagent.grammar.terms import Chars, Lit, Repeat, Rules, Term, one_of, sequence

MAX_WHOLE = 10**15 - 1
"""Largest integer where there is no bound: what floats hold exactly."""
MAX_BOUND = 10**18
"""Largest bound that is kept."""
MAX_FRACTION = 10**9
"""Largest number that is written with a fraction: 15 digits in all are told apart by floats."""
_DIGITS = 6


def whole(low: Fraction | None, high: Fraction | None, rules: Rules) -> Term | None:
    """Return a term for the integers from `low` to `high`, None if there are none.

    Where a bound is missing, 15 digits are.
    """
    last = max(MAX_WHOLE, math.ceil(low or 0)) if high is None else math.floor(high)
    first = min(-MAX_WHOLE, last) if low is None else math.ceil(low)
    options: list[Term] = []
    if first <= min(last, -1):
        options.append(sequence(Lit("-"), between(max(1, -last), -first, rules)))
    if max(first, 0) <= last:
        options.append(between(max(first, 0), last, rules))
    return one_of(options) if options else None


def decimal(low: Fraction | None, high: Fraction | None, rules: Rules) -> Term | None:
    """Return a term for numbers of up to 6 places behind the point, both bounds included.

    Integers alone where a bound is above MAX_FRACTION, which is a missing one's place too. None
    if there is no number between the bounds.
    """
    if any(bound is not None and abs(bound) > MAX_FRACTION for bound in (low, high)):
        return whole(low, high, rules)
    first = -MAX_FRACTION if low is None else low
    last = MAX_FRACTION if high is None else high
    options: list[Term] = []
    if first < 0 and (below := _positive(max(-last, Fraction(0)), Fraction(-first), rules)):
        options.append(sequence(Lit("-"), below))
    if last >= 0 and (above := _positive(max(Fraction(first), Fraction(0)), last, rules)):
        options.append(above)
    return one_of(options) if options else None


def _positive(low: Fraction | int, high: Fraction | int, rules: Rules) -> Term | None:
    """Term for the numbers from `low`, which is not negative, to `high`."""
    scale = 10**_DIGITS
    least, most = math.ceil(low * scale), math.floor(high * scale)
    if least > most:
        return None
    any_digits = Repeat(Chars("[0-9]"), 1, _DIGITS)
    first, last = -(-least // scale), most // scale
    options: list[Term] = []
    if first <= last:
        options.append(between(first, last, rules))
    full = last if most % scale == scale - 1 else last - 1
    if first <= full:
        options.append(sequence(between(first, full, rules), Lit("."), any_digits))
    # What is left lies beside the first and the last integer that has all its fractions.
    for start, stop in _edges(least, most, first, full, scale):
        lengths = [_fraction(start, stop, n, rules) for n in range(1, _DIGITS + 1)]
        digits = one_of([term for term in lengths if term])
        options.append(sequence(Lit(f"{start // scale}."), digits))
    return one_of(options)


def _fraction(start: int, stop: int, n: int, rules: Rules) -> Term | None:
    """Term for the fractions of `n` digits between two numbers that differ in fractions only."""
    unit = 10 ** (_DIGITS - n)
    first, last = -(-start // unit), stop // unit
    if first > last:
        return None
    return same_length(f"{first % 10**n:0{n}}", f"{last % 10**n:0{n}}", rules)


def _edges(least: int, most: int, first: int, full: int, scale: int) -> list[tuple[int, int]]:
    if least // scale == most // scale:
        return [] if first <= full else [(least, most)]
    lower = [(least, first * scale - 1)] if least % scale else []
    upper = [((full + 1) * scale, most)] if (full + 1) * scale <= most else []
    return lower + upper
