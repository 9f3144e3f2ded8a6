"""The terms a grammar is built from, and how they are written as GBNF."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never


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


Term = Lit | Chars | Ref | Seq | Alt | Repeat


@dataclass(frozen=True, slots=True)
class Grammar:
    """GBNF with the root rule `root`. `origin` names its maker in error messages."""

    text: str
    origin: str
    ends_when_complete: bool = True
    """Stop as soon as the text so far is a sentence; else the model decides when to end."""


_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _literal(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(c) or _printable(c) for c in text) + '"'


def _printable(char: str) -> str:
    code = ord(char)
    if code < 0x20 or code == 0x7F:
        return f"\\x{code:02X}"
    return char


def _render(term: Term, nested: bool) -> str:
    """Write a term; `nested` asks for brackets where a bare alternative would bind wrongly."""
    match term:
        case Lit(text):
            return _literal(text)
        case Chars(spec):
            return spec
        case Ref(name):
            return name
        case Seq(items):
            body = " ".join(_render(item, True) for item in items)
            return f"({body})" if nested and len(items) != 1 else body
        case Alt(items):
            body = " | ".join(_render(item, isinstance(item, Alt)) for item in items)
            return f"({body})" if nested else body
        case Repeat(item, low, high):
            return _render(item, True) + _suffix(low, high)
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


def render(rules: Mapping[str, Term]) -> str:
    """Write rules as GBNF, `root` first, the others in the order given."""
    names = ["root", *(name for name in rules if name != "root")]
    return "\n".join(f"{name} ::= {_render(rules[name], False)}" for name in names) + "\n"
