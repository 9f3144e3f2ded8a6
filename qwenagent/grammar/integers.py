"""Integers between two bounds, digit by digit."""

from __future__ import annotations

from qwenagent.errors import GrammarError
from qwenagent.grammar.terms import Chars, Lit, Ref, Rules, Term, one_of, sequence


def between(low: int, high: int, rules: Rules) -> Term:
    """Return a term for the integers from `low` to `high`, without leading zeros.

    Raises:
        GrammarError: there are none, or some are negative.
    """
    if not 0 <= low <= high:
        raise GrammarError(f"no integer from 0 up lies between {low} and {high}")
    name = f"int-{low}-{high}"
    if name not in rules.terms:
        lengths = range(len(str(low)), len(str(high)) + 1)
        parts = [part for n in lengths for part in _of_length(n, low, high, rules)]
        rules.terms[name] = one_of(parts)
    return Ref(name)


def same_length(low: str, high: str, rules: Rules) -> Term:
    """Return a term for the numbers from `low` to `high`, which have equally many digits."""
    options = _options(low, high, rules)
    if len(options) == 1:
        return options[0]
    # No bracket in a bracket: thousands of ranges share what they end with.
    name = f"digits-{low}-{high}"
    rules.terms[name] = one_of(options)
    return Ref(name)


def _of_length(n: int, low: int, high: int, rules: Rules) -> list[Term]:
    smallest = 10 ** (n - 1) if n > 1 else 0
    return _options(str(max(low, smallest)), str(min(high, 10**n - 1)), rules)


def _options(low: str, high: str, rules: Rules) -> list[Term]:
    """Return terms of which each begins with a digit."""
    if low == high:
        return [Lit(low)]
    first, last = low[0], high[0]
    if first == last:
        return [sequence(Lit(first), same_length(low[1:], high[1:], rules))]
    zeros, nines = "0" * (len(low) - 1), "9" * (len(low) - 1)
    options: list[Term] = []
    start, stop = int(first), int(last)
    if low[1:] != zeros:
        options.append(sequence(Lit(first), same_length(low[1:], nines, rules)))
        start += 1
    if high[1:] != nines:
        stop -= 1
    if start <= stop:
        options.append(sequence(_digit(start, stop), *_any_digits(len(zeros))))
    if high[1:] != nines:
        options.append(sequence(Lit(last), same_length(zeros, high[1:], rules)))
    return options


def _digit(start: int, stop: int) -> Term:
    return Lit(str(start)) if start == stop else Chars(f"[{start}-{stop}]")


def _any_digits(n: int) -> tuple[Term, ...]:
    return (Chars("[0-9]"),) * n
