"""What may be written for one argument of a call, as values and as terms."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Seq, Term
from qwenagent.grammar.trie import any_of, other_than
from qwenagent.protocol.json import Json, JsonObject

FIRST = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
INNER = FIRST + ".-"
SEGMENT_CHARS = 40
"""Longest name of a new file or folder, in characters."""


_TEXT_CHAR = Alt(
    (Chars('[^"\\\\\\x00-\\x1F\\x7F]'), Seq((Lit("\\"), Chars('["\\\\/bfnrt]'))))
)


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values."""

    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """An integer, both ends included; none may be negative."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string of 1 to `max_chars` characters on one line."""

    max_chars: int = 200


@dataclass(frozen=True, slots=True)
class NewPath:
    """A relative path at which nothing is yet.

    `taken` maps each folder ("" is the root, others without a slash at the end) to the names in
    it. Names start with a letter, a digit or an underscore: nothing hidden can be written.
    """

    taken: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Switch:
    """One of these values, each with what may be written for the arguments after it."""

    cases: Mapping[str | int, Mapping[str, Choice]]


Choice = OneOf | Between | Text | NewPath | Switch


def encode(value: Json) -> str:
    """Return the one way in which the grammar writes a value."""
    return json.dumps(value, ensure_ascii=False)


def from_schema(schema: Json, where: str) -> Choice:
    """Return the widest choice that a property's JSON Schema allows.

    Raises:
        UnsupportedSchema: it uses a feature that the grammar does not express.
    """
    if not isinstance(schema, dict):
        raise UnsupportedSchema(f"{where}: a schema is an object, not {type(schema).__name__}")
    known = {"type", "description", "enum", "minimum", "maximum", "maxLength", "minLength"}
    if extra := sorted(set(schema) - known):
        raise UnsupportedSchema(f"{where}.{extra[0]}: this feature cannot be forced by a grammar")
    if values := schema.get("enum"):
        return _enum(values, where)
    match schema.get("type"):
        case "string":
            return Text(_int(schema, "maxLength", 200))
        case "integer":
            return Between(_int(schema, "minimum", 0), _int(schema, "maximum", 999_999))
        case "boolean":
            return OneOf((True, False))
        case other:
            raise UnsupportedSchema(f"{where}.type: {other!r} cannot be forced by a grammar")


def _enum(values: Json, where: str) -> OneOf:
    if not isinstance(values, list):
        raise UnsupportedSchema(f"{where}.enum: a list is wanted")
    return OneOf(tuple(v for v in values if isinstance(v, str | int | bool)))


def _int(schema: JsonObject, key: str, default: int) -> int:
    value = schema.get(key, default)
    return value if isinstance(value, int) else default


def term(choice: Choice, rules: dict[str, Term]) -> Term:
    """Return the term of a choice that ends its call; shared rules are added to `rules`."""
    match choice:
        case OneOf(values):
            if not values:
                raise GrammarError("a choice of nothing was offered", hint="leave the tool out")
            return any_of([encode(value) for value in values])
        case Between(low, high):
            return _between(low, high, rules)
        case Text(max_chars):
            rules["text-char"] = _TEXT_CHAR
            return Seq((Lit('"'), Repeat(Ref("text-char"), 1, max_chars), Lit('"')))
        case NewPath(taken):
            return Seq((Lit('"'), _new_path(taken, rules), Lit('"')))
        case Switch():
            raise GrammarError("a switch decides the arguments after it and has no term alone")
        case _:
            assert_never(choice)


def _between(low: int, high: int, rules: dict[str, Term]) -> Term:
    name = f"int-{low}-{high}"
    if name not in rules:
        if not 0 <= low <= high:
            raise GrammarError(f"no integer lies between {low} and {high}")
        parts = [
            _same_length(str(max(low, 10 ** (n - 1) if n > 1 else 0)), str(min(high, 10**n - 1)))
            for n in range(len(str(low)), len(str(high)) + 1)
        ]
        rules[name] = parts[0] if len(parts) == 1 else Alt(tuple(parts))
    return Ref(name)


def _same_length(low: str, high: str) -> Term:
    """Term for the numbers from `low` to `high`, which have equally many digits."""
    if low == high:
        return Lit(low)
    if set(low) == {"0"} and set(high) == {"9"}:
        return Repeat(Chars("[0-9]"), len(low), len(low))
    first, last = low[0], high[0]
    if first == last:
        return Seq((Lit(first), _same_length(low[1:], high[1:])))
    if len(low) == 1:
        return Chars(f"[{first}-{last}]")
    zeros, nines = "0" * (len(low) - 1), "9" * (len(low) - 1)
    options: list[Term] = []
    start, stop = int(first), int(last)
    if low[1:] != zeros:
        options.append(Seq((Lit(first), _same_length(low[1:], nines))))
        start += 1
    if high[1:] != nines:
        stop -= 1
    if start <= stop:
        options.append(Seq((Chars(f"[{start}-{stop}]"), _same_length(zeros, nines))))
    if high[1:] != nines:
        options.append(Seq((Lit(last), _same_length(zeros, high[1:]))))
    return options[0] if len(options) == 1 else Alt(tuple(options))


def _new_path(taken: Mapping[str, frozenset[str]], rules: dict[str, Term]) -> Term:
    """Term for a path that is new: below each folder a name that is not there yet."""
    rules["name-rest"] = Repeat(Chars("[A-Za-z0-9_.-]"), 0, SEGMENT_CHARS)
    rules["name"] = Seq((Chars("[A-Za-z0-9_]"), Ref("name-rest")))
    rules["below"] = Repeat(Seq((Lit("/"), Ref("name"))), 0, 4)
    folders = {folder: f"new-{i}" for i, folder in enumerate(sorted(taken))}
    for folder, rule in folders.items():
        fresh = Seq((other_than(taken[folder], FIRST, INNER, Ref("name-rest")), Ref("below")))
        prefix = f"{folder}/" if folder else ""
        deeper = [
            Seq((Lit(other[len(prefix) :] + "/"), Ref(name)))
            for other, name in folders.items()
            if other and other.startswith(prefix) and "/" not in other[len(prefix) :]
        ]
        rules[rule] = Alt((fresh, *deeper)) if deeper else fresh
    return Ref(folders[""])
