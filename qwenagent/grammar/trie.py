"""Radix tries: any of many strings, without trying them one by one.

A flat list of 5,000 alternatives costs seconds a token in llama.cpp's engine, whose stacks grow
with the alternatives; a trie keeps at most a few alive.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from os.path import commonprefix

from qwenagent.grammar.terms import Alt, Chars, Lit, Repeat, Seq, Term

EMPTY = Lit("")


def trie(tails: Mapping[str, Term]) -> Term:
    """Return a term for any key of `tails` followed by that key's tail.

    No key may be a proper prefix of another one unless the tails tell them apart at once; keys
    that end in a quote never are.
    """
    return _branch(sorted(tails), 0, tails)


def any_of(strings: Collection[str]) -> Term:
    """Return a term for any of `strings`."""
    return trie(dict.fromkeys(strings, EMPTY))


def _branch(keys: list[str], start: int, tails: Mapping[str, Term]) -> Term:
    """Term for `keys` (sorted, sharing their first `start` characters) from `start` on."""
    if len(keys) == 1:
        return _join(keys[0][start:], tails[keys[0]])
    end = len(commonprefix([keys[0], keys[-1]]))
    groups: dict[str, list[str]] = {}
    for key in keys:
        groups.setdefault(key[end : end + 1], []).append(key)
    branches = tuple(_branch(group, end, tails) for group in groups.values())
    rest = branches[0] if len(branches) == 1 else Alt(branches)
    return _join(keys[0][start:end], rest)


def _join(text: str, tail: Term) -> Term:
    if not text:
        return tail
    return Lit(text) if tail == EMPTY else Seq((Lit(text), tail))


def other_than(taken: Collection[str], first: str, inner: str, free: Term) -> Term:
    """Return a term for a word that is none of `taken` and continues none of them directly.

    `first` and `inner` are the characters (listed one by one) that a word may start with and
    consist of. `free` is what may stand after the point where the word has left every taken
    one. A taken word may be followed only by an inner character.
    """
    words = sorted({word for word in taken if word and word[0] in first})
    return _avoid(words, 0, first, inner, free)


def _avoid(words: list[str], depth: int, allowed: str, inner: str, free: Term) -> Term:
    children: dict[str, list[str]] = {}
    for word in words:
        if len(word) > depth:
            children.setdefault(word[depth], []).append(word)
    options: list[Term] = []
    leaving = [c for c in allowed if c not in children]
    if leaving:
        options.append(Seq((Chars(_char_class(leaving)), free)))
    for char, group in children.items():
        if char in allowed:
            options.append(_descend(char, group, depth, inner, free))
    return options[0] if len(options) == 1 else Alt(tuple(options))


def _descend(char: str, group: list[str], depth: int, inner: str, free: Term) -> Term:
    """Follow one character on the way along taken words; a proper prefix of one may end here."""
    ends_here = any(len(word) == depth + 1 for word in group)
    onward = _avoid(group, depth + 1, inner, inner, free)
    return Seq((Lit(char), onward if ends_here else Repeat(onward, 0, 1)))


def _char_class(chars: list[str]) -> str:
    # llama.cpp reads no escaped "-": it is literal as the last of a class.
    plain = "".join(c for c in chars if c != "-")
    return f"[{plain}{'-' if '-' in chars else ''}]"
