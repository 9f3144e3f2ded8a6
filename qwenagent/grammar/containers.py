"""Lists and objects as terms, from the terms of what is in them. Knows no schemas."""

from __future__ import annotations

from collections.abc import Sequence

from qwenagent.grammar.terms import EMPTY, Alt, Lit, Ref, Repeat, Rules, Term, sequence


def named(term: Term, rules: Rules) -> Ref:
    """Return a rule's name for a term: rules count as one where they are repeated."""
    name = rules.fresh("v")
    rules.terms[name] = term
    return Ref(name)


def short(term: Term, rules: Rules) -> Term:
    """Return a term that may stand in several places: a text or a rule's name."""
    return term if isinstance(term, Lit | Ref) else named(term, rules)


def either(options: Sequence[Term | None]) -> Term | None:
    """Return a term for one of those that are there, None if none is."""
    found = list(dict.fromkeys(option for option in options if option is not None))
    if not found:
        return None
    return found[0] if len(found) == 1 else Alt(tuple(found))


def separated(
    left: str, item: Term, right: str, rules: Rules, low: int = 0, high: int | None = None
) -> Term:
    """Return a term for `low` to `high` items in brackets."""
    if high == 0:
        return Lit(left + right)
    more = rules.fresh("more")
    rules.terms[more] = sequence(Lit(", "), item)
    last = None if high is None else high - 1
    others = [] if last == 0 else [Repeat(Ref(more), max(0, low - 1), last)]
    full = sequence(Lit(left), item, *others, Lit(right))
    return full if low else Alt((Lit(left + right), full))


def list_of(
    first: Sequence[Term], rest: Term | None, low: int, high: int | None, rules: Rules
) -> Term | None:
    """Return a term for a list of `low` to `high` items, None if there is no such list.

    It begins with `first`, as far as it goes; items after those are `rest`, or none.
    """
    n = len(first)
    if rest is None:
        high = n if high is None else min(high, n)
    if high is not None and low > high:
        return None
    if not n:
        return (
            Lit("[]") if rest is None else separated("[", short(rest, rules), "]", rules, low, high)
        )
    after: Term = Lit("]")
    if rest is not None and (high is None or high > n):
        last = None if high is None else high - n
        tail = separated("", short(rest, rules), "]", rules, max(0, low - n), last)
        after = _behind_comma(tail)
    for i in reversed(range(n)):
        item = sequence(Lit(", " if i else ""), first[i], short(after, rules))
        after = item if i < low else Alt((Lit("]"), item))
    return sequence(Lit("["), short(after, rules))


def _behind_comma(items: Term) -> Term:
    """Term for the rest of a list, which follows other items: a comma, unless it is empty."""
    options = items.items if isinstance(items, Alt) else (items,)
    return Alt(tuple(o if o == Lit("]") else sequence(Lit(", "), o) for o in options))


def object_of(entries: Sequence[tuple[Term, bool]], rules: Rules) -> Term:
    """Return a term for an object of `entries` in this order; those with False may be left out."""
    first: Term = Lit("}")
    more: Term = Lit("}")
    for entry, is_needed in reversed(entries):
        after = short(more, rules)
        skipped = [] if is_needed else [short(first, rules)]
        first = either([sequence(entry, after), *skipped]) or EMPTY
        left_out = [] if is_needed else [after]
        more = either([sequence(Lit(", "), entry, after), *left_out]) or EMPTY
    return sequence(Lit("{"), short(first, rules))
