"""Paths at which nothing is yet, as terms: no existing path can be written, whatever is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby

from qwenagent.grammar.terms import (
    Chars,
    Lit,
    Ref,
    Repeat,
    Rules,
    Term,
    Written,
    digest,
    literal,
    sequence,
    written,
)
from qwenagent.grammar.trie import KEPT_FOLDERS, trie
from qwenagent.grammar.written import encode, is_writable

FIRST = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
INNER = "-." + FIRST
"""The characters of new names, and those they begin with; in the order of their codes."""
REST_CHARS = 40
"""How far a new name goes on after the point where it differs from every existing one."""
NEW_FOLDERS = 4
"""How many new folders may lie around a new file."""
_KEPT_STATES = 200_000


def new_path(taken: Mapping[str, frozenset[str]], rules: Rules) -> Term:
    """Return a term for a relative path that is new; see `NewPath` for `taken`."""
    rules.terms["name-rest"] = Repeat(Chars(_char_class(INNER)), 0, REST_CHARS)
    rules.terms["name"] = sequence(Chars(_char_class(FIRST)), Ref("name-rest"))
    rules.terms["below"] = Repeat(sequence(Lit("/"), Ref("name")), 0, NEW_FOLDERS)
    tree = _tree(taken)
    names = {folder: rules.fresh("in") for folder in tree}
    for folder, inside in tree.items():
        here, states = _other_than(frozenset(inside))
        rules.terms.update(states)
        deeper = {
            encode(child)[1:-1] + "/": Ref(names[path])
            for child in inside
            if (path := f"{folder}/{child}" if folder else child) in names
        }
        onward = [here, written(trie(deeper, rules))] if deeper else [here]
        rules.terms[names[folder]] = Written(" | ".join(onward))
    return Ref(names[""])


def _tree(taken: Mapping[str, frozenset[str]]) -> dict[str, set[str]]:
    """Return `taken` with the root and every folder's parents, without folders out of reach."""
    tree: dict[str, set[str]] = {"": set(taken.get("", ()))}
    for folder in taken:
        parts = folder.split("/")
        if not all(part and not part.startswith(".") and is_writable(part) for part in parts):
            continue
        for depth, part in enumerate(parts):
            tree.setdefault("/".join(parts[:depth]), set()).add(part)
        tree.setdefault(folder, set()).update(taken[folder])
    return tree


@lru_cache(maxsize=KEPT_FOLDERS)
def _other_than(taken: frozenset[str]) -> tuple[str, dict[str, Term]]:
    """Return the right side for a name that is none of `taken` and what is below, and its rules.

    Most folders are the same from turn to turn, and the rules' names say what they are for.
    """
    free, onward = _parted(taken, FIRST)
    options = [f"{free} name-rest below"] if free else []
    options += [f"{literal(char)} {_after(ends)} below" for char, ends in onward.items()]
    rules: dict[str, Term] = {}
    todo = [ends - {""} for ends in onward.values()]
    while todo:
        ends = todo.pop()
        name, rule, further = _state(ends)
        if name not in rules:
            rules[name] = rule
            todo += further
    return " | ".join(options), rules


@lru_cache(maxsize=_KEPT_STATES)
def _state(ends: frozenset[str]) -> tuple[str, Term, list[frozenset[str]]]:
    """Return the rule of what may follow the beginning of a name, and the states behind it.

    `ends` would make it an existing name. Names with the same ends share their rules, over all
    folders.
    """
    free, onward = _parted(ends, INNER)
    options = [f"{free} name-rest"] if free else []
    options += [f"{literal(char)} {_after(rest)}" for char, rest in onward.items()]
    return _name(ends), Written(" | ".join(options)), [rest - {""} for rest in onward.values()]


def _parted(ends: frozenset[str], allowed: str) -> tuple[str, dict[str, frozenset[str]]]:
    """Return the class of characters that none of `ends` begins with, and what follows others."""
    if len(ends) == 1:
        (end,) = ends
        onward = {end[0]: frozenset((end[1:],))} if end and end[0] in allowed else {}
    else:
        ordered = sorted(end for end in ends if end and end[0] in allowed)
        onward = {c: frozenset(e[1:] for e in same) for c, same in groupby(ordered, lambda e: e[0])}
    free = _class_without("".join(onward), allowed) if len(onward) < len(allowed) else ""
    return free, onward


def _after(ends: frozenset[str]) -> str:
    """Return what follows a beginning: maybe nothing, unless an existing name ends here."""
    return _name(ends - {""}) if "" in ends else f"{_name(ends)}?"


@lru_cache(maxsize=_KEPT_STATES)
def _name(ends: frozenset[str]) -> str:
    return f"n-{digest('/'.join(sorted(ends)))}"


@lru_cache(maxsize=1024)
def _class_without(left_out: str, allowed: str) -> str:
    return _char_class("".join(c for c in allowed if c not in left_out))


def _char_class(chars: str) -> str:
    """Return the class of `chars`, which are in the order of their codes and all in INNER."""
    # A "-" is literal as the last of a class; not every llama.cpp reads it with a backslash.
    dash = "-" if "-" in chars else ""
    return f"[{''.join(_runs(chars.replace('-', '')))}{dash}]"


def _runs(chars: str) -> Iterable[str]:
    for _, numbered in groupby(enumerate(chars), lambda item: ord(item[1]) - item[0]):
        run = "".join(char for _, char in numbered)
        yield run if len(run) < 4 else f"{run[0]}-{run[-1]}"
