"""The terms a grammar is built from, and how they are written as GBNF."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import assert_never

from qwenagent.errors import GrammarError


@dataclass(frozen=True, slots=True)
class Lit:
    """Exactly this text."""

    text: str


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a class, written as in GBNF: `[a-z]`, `[^"\\n]`."""

    spec: str


@dataclass(frozen=True, slots=True)
class Ref:
    """A rule by name."""

    name: str


@dataclass(frozen=True, slots=True)
class Seq:
    """One after the other."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of them."""

    items: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """`low` to `high` times; `high=None` is without end."""

    item: Term
    low: int
    high: int | None


@dataclass(frozen=True, slots=True)
class Written:
    """All of a rule as GBNF, never a part of another term: for rules by the ten thousand."""

    gbnf: str


Term = Lit | Chars | Ref | Seq | Alt | Repeat | Written

EMPTY = Lit("")


def sequence(*terms: Term) -> Term:
    """Return the terms one after the other, neighbouring texts joined."""
    items: list[Term] = []
    for term in terms:
        for item in term.items if isinstance(term, Seq) else (term,):
            if isinstance(item, Lit) and items and isinstance(items[-1], Lit):
                items[-1] = Lit(items[-1].text + item.text)
            elif item != EMPTY:
                items.append(item)
    return items[0] if len(items) == 1 else Seq(tuple(items)) if items else EMPTY


def one_of(options: list[Term]) -> Term:
    """Return a term for one of `options`, of which there is at least one."""
    return options[0] if len(options) == 1 else Alt(tuple(options))


class Rules:
    """The rules of one grammar while it is built.

    Whatever grows with its input becomes rules that name each other instead of brackets in
    brackets: readers of GBNF recurse into those, and llama.cpp refuses to repeat a bracket (even
    `( ... )?`) with 2,000 others in it.
    """

    def __init__(self) -> None:
        self.terms: dict[str, Term] = {}

    def fresh(self, stem: str) -> str:
        """Reserve and return a name that no rule has."""
        name = f"{stem}-{len(self.terms)}"
        self.terms[name] = EMPTY
        return name


@dataclass(frozen=True, slots=True)
class Grammar:
    """GBNF with the root rule `root`. `origin` names its maker in error messages."""

    text: str
    origin: str
    ends_when_complete: bool = True
    """Stop as soon as the text so far is a sentence; else the model decides when to end."""


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


# Most texts have none of these: looking once is ten times as fast as looking at each character.
_SPECIAL = re.compile(r'[\\"\x00-\x1f\x7f\ud800-\udfff]')


def literal(text: str) -> str:
    """Return a text as GBNF.

    Raises:
        GrammarError: it cannot be written as UTF-8.
    """
    return f'"{_SPECIAL.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    char = found[0]
    code = ord(char)
    if 0xD800 <= code <= 0xDFFF:
        raise GrammarError(f"U+{code:04X} is half a character and cannot be written as UTF-8")
    return _ESCAPES.get(char) or f"\\x{code:02X}"


def _render(term: Term, inside: type[Seq | Repeat] | None) -> str:
    """Write a term, in brackets if it would fall apart `inside` that kind of term."""
    match term:
        case Lit(text):
            return literal(text)
        case Chars(spec):
            return spec
        case Ref(name):
            return name
        case Seq(items):
            body = " ".join([_render(item, Seq) for item in items])
            return f"({body})" if inside is Repeat else body
        case Alt(items):
            body = " | ".join([_render(item, None) for item in items])
            return f"({body})" if inside else body
        case Repeat(item, low, high):
            body = _render(item, Repeat) + _suffix(low, high)
            return f"({body})" if inside is Repeat else body
        case Written(gbnf):
            return gbnf
        case _:
            assert_never(term)


def _suffix(low: int, high: int | None) -> str:
    match (low, high):
        case (0, None):
            return "*"
        case (1, None):
            return "+"
        case (0, 1):
            return "?"
        case (_, None):
            return f"{{{low},}}"
        case _:
            return f"{{{low},{high}}}"


def written(term: Term) -> str:
    """Return a term as the right side of a rule.

    Raises:
        GrammarError: a text in it cannot be written as UTF-8.
    """
    return _render(term, None)


def digest(content: str) -> str:
    """Return a part of a rule's name that is the same for the same content and for no other."""
    return blake2b(content.encode("utf-8", "surrogatepass"), digest_size=7).hexdigest()


def render(rules: Mapping[str, Term]) -> str:
    """Write rules as GBNF, `root` first, the others in the order given.

    Raises:
        GrammarError: a text in it cannot be written as UTF-8.
    """
    names = ["root", *(name for name in rules if name != "root")]
    return "\n".join(f"{name} ::= {_render(rules[name], None)}" for name in names) + "\n"
