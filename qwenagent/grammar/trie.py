"""Radix tries: any of many strings, without trying them one by one.

A flat list of 5,000 alternatives costs seconds a token in llama.cpp's engine, whose stacks grow
with the alternatives; a trie keeps at most a few alive.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import lru_cache, partial
from itertools import groupby

from qwenagent.errors import GrammarError
from qwenagent.grammar.terms import (
    EMPTY,
    Lit,
    Ref,
    Rules,
    Term,
    Written,
    digest,
    one_of,
    sequence,
    written,
)

BY_FOLDER = 200
"""From so many strings on there is a rule for each folder, and rules of folders are kept."""
KEPT_FOLDERS = 20_000

Branch = tuple[str, list[str], int]
"""The rule that a branch gets, its keys (sorted), how many characters of them are read."""


def trie(tails: Mapping[str, Term], rules: Rules, stem: str = "t") -> Term:
    """Return a term for any key of `tails` followed by that key's tail.

    Every place where keys part becomes a rule, whose name begins with `stem`. A key that is the
    beginning of another one is told apart by what its tail, or whatever follows the trie, begins
    with.

    Raises:
        GrammarError: there are no keys.
    """
    if not tails:
        raise GrammarError("a choice of nothing was offered", hint="leave the tool out")
    todo: list[Branch] = []
    fresh = partial(rules.fresh, stem)
    top = _branches(sorted(tails), 0, tails, fresh, todo)
    while todo:
        name, keys, start = todo.pop()
        rules.terms[name] = _branches(keys, start, tails, fresh, todo)
    return top


def tree(tails: Mapping[str, Term], rules: Rules) -> Term:
    """Return the term that `trie` does; of many keys that are paths folder by folder.

    Raises:
        GrammarError: there are no keys.
    """
    return trie(tails, rules) if len(tails) < BY_FOLDER else _by_folder(tails, rules)


def any_of(strings: Collection[str], rules: Rules) -> Term:
    """Return a term for any of `strings`."""
    return tree(dict.fromkeys(strings, EMPTY), rules)


def _branches(
    keys: list[str],
    start: int,
    tails: Mapping[str, Term],
    fresh: Callable[[], str],
    todo: list[Branch],
) -> Term:
    """Term for `keys` from `start` on; where many go on the same way, `todo` says how."""
    options: list[Term] = []
    for _, together in groupby(keys, key=lambda key: key[start : start + 1]):
        first, *others = together
        if not others:
            options.append(sequence(Lit(first[start:]), tails[first]))
            continue
        end = _n_shared(first, others[-1])
        name = fresh()
        todo.append((name, [first, *others], end))
        options.append(sequence(Lit(first[start:end]), Ref(name)))
    return one_of(options)


def _n_shared(a: str, b: str) -> int:
    """Return how many characters two different strings share at their beginnings."""
    pairs = enumerate(zip(a, b, strict=False))
    return next((i for i, (x, y) in pairs if x != y), min(len(a), len(b)))


def _by_folder(tails: Mapping[str, Term], rules: Rules) -> Term:
    """Term for keys of which many have a folder in common; equal folders share their rules."""
    folders: dict[str, dict[str, Term]] = {"": {}}
    for key, tail in tails.items():
        folder, slash, name = key.rpartition("/")
        _inside(folder + slash, folders)[name] = tail
    for folder in sorted(folders, key=len, reverse=True):  # what is inside comes first
        name, terms = _folder(tuple(sorted(folders[folder].items(), key=lambda item: item[0])))
        rules.terms.update(terms)
        if folder:
            above, slash, part = folder[:-1].rpartition("/")
            folders[above + slash][f"{part}/"] = Ref(name)
    return Ref(name)


def _inside(folder: str, folders: dict[str, dict[str, Term]]) -> dict[str, Term]:
    """Return what is in a folder; it and those around it are added to `folders`."""
    found = folders.get(folder)
    if found is None:
        found = folders[folder] = {}
        above, slash, _ = folder[:-1].rpartition("/")
        _inside(above + slash, folders)
    return found


@lru_cache(maxsize=KEPT_FOLDERS)
def _folder(inside: tuple[tuple[str, Term], ...]) -> tuple[str, dict[str, Term]]:
    """Return the rule of a folder, and all rules for it: the names say what is inside.

    Most of a tree is the same from turn to turn: then this is all the work that is not done.
    """
    name = f"f-{digest(repr(inside))}"
    rules = Rules()
    top = trie(dict(inside), rules, name)
    terms: dict[str, Term] = {name: Written(written(top))}
    for other, term in rules.terms.items():
        terms[other] = Written(written(term))
    return name, terms
