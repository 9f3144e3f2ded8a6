"""Rules that cannot be followed: they begin with themselves, or never end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import assert_never

from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Seq, Term, Written


def loops(rules: Mapping[str, Term]) -> list[str]:
    """Return the rules of a circle in which each can begin with the next; empty if none is."""
    empty = _least(rules, _may_be_empty)
    graph = {name: set(_first(term, empty)) for name, term in rules.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def unproductive(rules: Mapping[str, Term]) -> list[str]:
    """Return the rules of which no text is a sentence: each contains another, without end."""
    ending = _least(rules, _can_end)
    return [name for name in rules if name not in ending]


def _least(rules: Mapping[str, Term], holds: Callable[[Term, set[str]], bool]) -> set[str]:
    """Return the rules for which something holds because it does for what is in them."""
    users: dict[str, list[str]] = {}
    for name, term in rules.items():
        for other in set(_named(term)):
            users.setdefault(other, []).append(name)
    found: set[str] = set()
    todo = list(rules)
    while todo:
        name = todo.pop()
        if name not in found and holds(rules[name], found):
            found.add(name)
            todo += users.get(name, ())
    return found


def _named(term: Term) -> Iterator[str]:
    """Yield the rules that a term names, wherever in it."""
    match term:
        case Lit() | Chars() | Written():
            return
        case Ref(name):
            yield name
        case Seq(items) | Alt(items):
            for item in items:
                yield from _named(item)
        case Repeat(item):
            yield from _named(item)
        case _:
            assert_never(term)


def _may_be_empty(term: Term, empty: set[str]) -> bool:
    match term:
        case Lit(text):
            return not text
        case Chars() | Written():
            return False
        case Ref(name):
            return name in empty
        case Seq(items):
            return all(_may_be_empty(item, empty) for item in items)
        case Alt(items):
            return any(_may_be_empty(item, empty) for item in items)
        case Repeat(item, low, _):
            return low == 0 or _may_be_empty(item, empty)
        case _:
            assert_never(term)


def _can_end(term: Term, ending: set[str]) -> bool:
    match term:
        case Lit() | Chars() | Written():
            return True
        case Ref(name):
            return name in ending
        case Seq(items):
            return all(_can_end(item, ending) for item in items)
        case Alt(items):
            return any(_can_end(item, ending) for item in items)
        case Repeat(item, low, _):
            return low == 0 or _can_end(item, ending)
        case _:
            assert_never(term)


def _first(term: Term, empty: set[str]) -> Iterator[str]:
    match term:
        case Lit() | Chars() | Written():
            return
        case Ref(name):
            yield name
        case Seq(items):
            for item in items:
                yield from _first(item, empty)
                if not _may_be_empty(item, empty):
                    return
        case Alt(items):
            for item in items:
                yield from _first(item, empty)
        case Repeat(item):
            yield from _first(item, empty)
        case _:
            assert_never(term)
