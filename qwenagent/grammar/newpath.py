"""Paths at which nothing is yet, as terms: no existing path can be written, whatever is chosen."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby

from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Rules, Seq, Term, one_of, sequence
from qwenagent.grammar.trie import trie
from qwenagent.grammar.written import encode, is_writable

FIRST = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
INNER = "-." + FIRST
"""The characters of new names, and those they begin with; in the order of their codes."""
REST_CHARS = 40
"""How far a new name goes on after the point where it differs from every existing one."""
NEW_FOLDERS = 4
"""How many new folders may lie around a new file."""


def new_path(taken: Mapping[str, frozenset[str]], rules: Rules) -> Term:
    """Return a term for a relative path that is new; see `NewPath` for `taken`."""
    rules.terms["name-rest"] = Repeat(Chars(_char_class(INNER)), 0, REST_CHARS)
    rules.terms["name"] = sequence(Chars(_char_class(FIRST)), Ref("name-rest"))
    rules.terms["below"] = Repeat(sequence(Lit("/"), Ref("name")), 0, NEW_FOLDERS)
    tree = _tree(taken)
    names = {folder: rules.fresh("in") for folder in tree}
    states = _States(rules)
    for folder, inside in tree.items():
        here = sequence(states.name_other_than(inside), Ref("below"))
        deeper = {
            encode(child)[1:-1] + "/": Ref(names[path])
            for child in inside
            if (path := f"{folder}/{child}" if folder else child) in names
        }
        rules.terms[names[folder]] = Alt((here, trie(deeper, rules))) if deeper else here
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


class _States:
    """What may follow the beginning of a name, by the ends that would make it an existing one.

    Names with the same ends share their rules, over all folders.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._known: dict[frozenset[str], str] = {}
        self._todo: list[frozenset[str]] = []

    def name_other_than(self, taken: Iterable[str]) -> Term:
        """Return a term for a name that is none of `taken`."""
        top = self._leaving(frozenset(taken), FIRST)
        while self._todo:
            ends = self._todo.pop()
            self._rules.terms[self._known[ends]] = self._leaving(ends, INNER)
        return top

    def _leaving(self, ends: frozenset[str], allowed: str) -> Term:
        """Term for a character of `allowed` and what follows, so that none of `ends` results."""
        ordered = sorted(end for end in ends if end and end[0] in allowed)
        onward = {c: frozenset(e[1:] for e in same) for c, same in groupby(ordered, lambda e: e[0])}
        options: list[Term] = []
        if len(onward) < len(allowed):
            free = _class_without("".join(onward), allowed)
            options.append(Seq((Chars(free), Ref("name-rest"))))
        options += [sequence(Lit(c), self._after(rest)) for c, rest in onward.items()]
        return one_of(options)

    def _after(self, ends: frozenset[str]) -> Term:
        """Term for what follows a beginning: maybe nothing, unless an existing name ends here."""
        more = Ref(self._rule(ends - {""}))
        return more if "" in ends else Repeat(more, 0, 1)

    def _rule(self, ends: frozenset[str]) -> str:
        if ends not in self._known:
            self._known[ends] = self._rules.fresh("n")
            self._todo.append(ends)
        return self._known[ends]


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
