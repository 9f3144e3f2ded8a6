"""What may be written for one argument of a call, as values and as terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import assert_never

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar.anyjson import CHAR
from qwenagent.grammar.integers import between
from qwenagent.grammar.newpath import new_path
from qwenagent.grammar.terms import Alt, Chars, Lit, Ref, Repeat, Rules, Term, sequence
from qwenagent.grammar.trie import any_of
from qwenagent.grammar.written import encode, is_writable
from qwenagent.protocol.json import Json, JsonObject

MAX_TEXT_CHARS = 1000
"""Longest text; llama.cpp has a rule for each character of it and refuses 2,000."""
MAX_INTEGER = 999_999
"""Largest integer where the schema names no maximum."""

MAX_WORDS = 100
"""Most words of a list."""
WORD_PATTERN = r"^[^\x00-\x1f\x7f-\x9f]*$"
"""What the schema of a list's items says; the grammar writes nothing else."""

_WORD_CHAR = Alt((Chars('[^"\\\\\\x00-\\x1F\\x7F-\\x9F]'), sequence(Lit("\\"), Chars('["\\\\]'))))


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of these values; those that are not writable as UTF-8 are left out."""

    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class Between:
    """An integer, both ends included; none may be negative."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class Text:
    """A string of 1 to `max_chars` characters, at most MAX_TEXT_CHARS."""

    max_chars: int = 200


@dataclass(frozen=True, slots=True)
class Words:
    """A list of 1 to `max_words` strings of 1 to `max_chars` characters, without control ones.

    Unlike a text a word has no line end either: that is what the words of a command are.
    """

    max_words: int = 20
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
    """One of these values, each with what may be written for the arguments after it.

    Values that are not writable as UTF-8 are left out.
    """

    cases: Mapping[str | int, Mapping[str, Choice]]


Choice = OneOf | Between | Text | Words | NewPath | Switch

_KEYS = {
    "string": {"minLength", "maxLength"},
    "integer": {"minimum", "maximum"},
    "boolean": set[str](),
    "array": {"items", "minItems", "maxItems"},
}


def from_schema(schema: Json, where: str) -> Choice:
    """Return a choice that writes nothing but what a property's JSON Schema allows.

    Raises:
        UnsupportedSchema: it uses a feature that the grammar does not express; the message has
            its JSON path, which begins with `where`.
    """
    if not isinstance(schema, dict):
        raise UnsupportedSchema(f"{where}: a schema is an object, not {type(schema).__name__}")
    kind = schema.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise UnsupportedSchema(f"{where}.type: {kind!r} cannot be forced by a grammar")
    bounds = {"enum"} if "enum" in schema else _KEYS[kind]
    if extra := sorted(set(schema) - bounds - {"type", "description"}):
        raise UnsupportedSchema(f"{where}.{extra[0]}: this feature cannot be forced by a grammar")
    if "enum" in schema:
        return _enum(schema["enum"], kind, where)
    match kind:
        case "string":
            return _text(schema, where)
        case "integer":
            return _integer(schema, where)
        case "array":
            return _words(schema, where)
        case _:
            return OneOf((True, False))


def _enum(values: Json, kind: str, where: str) -> OneOf:
    if not isinstance(values, list) or not values:
        raise UnsupportedSchema(f"{where}.enum: a list of at least one value is wanted")
    wanted = {"string": str, "integer": int, "boolean": bool}[kind]
    found: list[str | int | bool] = []
    for i, value in enumerate(values):
        if not isinstance(value, str | int) or type(value) is not wanted:
            raise UnsupportedSchema(f"{where}.enum[{i}]: {value!r} is no {kind}")
        found.append(value)
    return OneOf(tuple(found))


def _text(schema: JsonObject, where: str) -> Text:
    if _int(schema, "minLength", 0, where) > 1:
        raise UnsupportedSchema(f"{where}.minLength: no more than 1 can be forced by a grammar")
    most = _int(schema, "maxLength", Text().max_chars, where)
    if not 1 <= most <= MAX_TEXT_CHARS:
        raise UnsupportedSchema(f"{where}.maxLength: {most} is not between 1 and {MAX_TEXT_CHARS}")
    return Text(most)


def _words(schema: JsonObject, where: str) -> Words:
    """Return the choice for a list of words; `pattern` has to say that nothing else is meant."""
    items = schema.get("items")
    if not isinstance(items, dict) or items.get("pattern") != WORD_PATTERN:
        raise UnsupportedSchema(f"{where}.items: only strings of the pattern {WORD_PATTERN} work")
    text = from_schema({k: v for k, v in items.items() if k != "pattern"}, f"{where}.items")
    if not isinstance(text, Text):
        raise UnsupportedSchema(f"{where}.items.type: only strings can be forced in a list")
    if _int(schema, "minItems", 1, where) != 1:
        raise UnsupportedSchema(f"{where}.minItems: only 1 can be forced by a grammar")
    most = _int(schema, "maxItems", Words().max_words, where)
    if not 1 <= most <= MAX_WORDS:
        raise UnsupportedSchema(f"{where}.maxItems: {most} is not between 1 and {MAX_WORDS}")
    return Words(most, text.max_chars)


def _integer(schema: JsonObject, where: str) -> Between:
    low = _int(schema, "minimum", 0, where)
    high = _int(schema, "maximum", max(low, MAX_INTEGER), where)
    if not 0 <= low <= high:
        raise UnsupportedSchema(f"{where}.minimum: no integer from 0 up lies in {low} to {high}")
    return Between(low, high)


def _int(schema: JsonObject, key: str, default: int, where: str) -> int:
    value = schema.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnsupportedSchema(f"{where}.{key}: {value!r} is no integer")
    return value


def term(choice: Choice, rules: Rules) -> Term:
    """Return the term of any choice but a switch; what it needs is added to `rules`.

    Raises:
        GrammarError: nothing can be chosen.
    """
    match choice:
        case OneOf(values):
            return any_of([encode(value) for value in values if is_writable(value)], rules)
        case Between(low, high):
            return between(low, high, rules)
        case Text(max_chars):
            return _text_term(max_chars, rules)
        case Words(max_words, max_chars):
            return _words_term(max_words, max_chars, rules)
        case NewPath(taken):
            return sequence(Lit('"'), new_path(taken, rules), Lit('"'))
        case Switch():
            raise GrammarError("a switch decides the arguments after it and has no term alone")
        case _:
            assert_never(choice)


def _text_term(max_chars: int, rules: Rules) -> Term:
    if not 1 <= max_chars <= MAX_TEXT_CHARS:
        raise GrammarError(f"a text of at most {max_chars} characters; 1 to {MAX_TEXT_CHARS} work")
    rules.terms["text-char"] = CHAR
    return sequence(Lit('"'), Repeat(Ref("text-char"), 1, max_chars), Lit('"'))


def _words_term(max_words: int, max_chars: int, rules: Rules) -> Term:
    if not (1 <= max_words <= MAX_WORDS and 1 <= max_chars <= MAX_TEXT_CHARS):
        raise GrammarError(
            f"{max_words} words of at most {max_chars} characters; {MAX_WORDS} of "
            f"{MAX_TEXT_CHARS} work"
        )
    rules.terms["word-char"] = _WORD_CHAR
    rules.terms["word"] = sequence(Lit('"'), Repeat(Ref("word-char"), 1, max_chars), Lit('"'))
    rules.terms["more-words"] = sequence(Lit(", "), Ref("word"))
    more = [Repeat(Ref("more-words"), 0, max_words - 1)] if max_words > 1 else []
    return sequence(Lit("["), Ref("word"), *more, Lit("]"))
