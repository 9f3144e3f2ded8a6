"""Radix tries: any of many strings, without trying them one by one.

A flat list of 5,000 alternatives costs seconds a token in llama.cpp's engine, whose stacks grow
with the alternatives; a trie keeps at most a few alive.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import groupby

from qwenagent.errors import GrammarError
from qwenagent.grammar.terms import EMPTY, Lit, Ref, Rules, Term, one_of, sequence

Branch = tuple[str, list[str], int]
"""The rule that a branch gets, its keys (sorted), how many characters of them are read."""


def trie(tails: Mapping[str, Term], rules: Rules) -> Term:
    """Return a term for any key of `tails` followed by that key's tail.

    Every place where keys part becomes a rule. A key that is the beginning of another one is
    told apart by what its tail, or whatever follows the trie, begins with.

    Raises:
        GrammarError: there are no keys.
    """
    if not tails:
        raise GrammarError("a choice of nothing was offered", hint="leave the tool out")
    todo: list[Branch] = []
    top = _branches(sorted(tails), 0, tails, rules, todo)
    while todo:
        name, keys, start = todo.pop()
        rules.terms[name] = _branches(keys, start, tails, rules, todo)
    return top


def any_of(strings: Collection[str], rules: Rules) -> Term:
    """Return a term for any of `strings`."""
    return trie(dict.fromkeys(strings, EMPTY), rules)


def _branches(
    keys: list[str], start: int, tails: Mapping[str, Term], rules: Rules, todo: list[Branch]
) -> Term:
    """Term for `keys` from `start` on; where many go on the same way, `todo` says how."""
    options: list[Term] = []
    for _, together in groupby(keys, key=lambda key: key[start : start + 1]):
        first, *others = together
        if not others:
            options.append(sequence(Lit(first[start:]), tails[first]))
            continue
        end = _n_shared(first, others[-1])
        name = rules.fresh("t")
        todo.append((name, [first, *others], end))
        options.append(sequence(Lit(first[start:end]), Ref(name)))
    return one_of(options)


def _n_shared(a: str, b: str) -> int:
    """Return how many characters two different strings share at their beginnings."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))
