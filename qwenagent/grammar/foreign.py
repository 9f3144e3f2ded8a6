"""Any JSON Schema, of draft 7 or 2020-12, as a grammar: for tools that others have made.

What a grammar writes is valid JSON. It conforms to the schema as well, but for what is listed as
relaxed. Keys come in the order of the schema, separators are `", "` and `": "`. Where there is a
choice the grammar is the narrower one: properties that are not named are not written where others
are, a schema with the keywords of one type is of that type, numbers have up to 15 digits.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import cast
from urllib.parse import unquote

from qwenagent.errors import GrammarError
from qwenagent.grammar import anyjson, numbers
from qwenagent.grammar.containers import either, list_of, named, object_of, short
from qwenagent.grammar.leading import loops, unproductive
from qwenagent.grammar.merging import ANNOTATIONS, kinds, merged
from qwenagent.grammar.terms import Alt, Grammar, Lit, Ref, Rules, Term, render, sequence
from qwenagent.grammar.trie import any_of, trie
from qwenagent.grammar.written import encode, is_writable
from qwenagent.protocol.json import Json, JsonObject

MAX_CHARS = 1000
"""Longest string that is counted; llama.cpp has a rule for each character."""
MAX_ITEMS = 100
"""Longest list that is counted."""
MAX_DEPTH = 40
"""Schemas in each other."""
MAX_NESTING = 200
"""Values in each other in the text of a schema: more is not looked at."""
MAX_RULES = 10_000
"""What a schema may grow to where it is copied for each of its branches."""

_ANYTHING = "any JSON value"
_OWN = {
    "string": ("minLength", "maxLength"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"),
    "array": ("items", "prefixItems", "additionalItems", "minItems", "maxItems"),
    "object": (
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "minProperties",
        "maxProperties",
    ),
}
_OWN["integer"] = _OWN["number"]
_HANDLED = {"type", "enum", "const", "$ref", "allOf", "anyOf", "oneOf"} | {
    key for keys in _OWN.values() for key in keys
}
_KIND_OF_KEYWORD = {
    "pattern": "string",
    "format": "string",
    "multipleOf": "number",
    "uniqueItems": "array",
    "contains": "array",
    "minContains": "array",
    "maxContains": "array",
    "propertyNames": "object",
    "dependencies": "object",
    "dependentRequired": "object",
    "dependentSchemas": "object",
    "unevaluatedProperties": "object",
    "unevaluatedItems": "array",
}
_EVERY_KIND = ("string", "number", "boolean", "null", "array", "object")


@dataclass(frozen=True, slots=True)
class Relaxation:
    """A place where the grammar allows more than the schema."""

    path: str
    """JSON path in the schema, `$` is its root."""
    keyword: str
    instead: str
    """What holds there."""


def foreign_grammar(name: str, schema: Json) -> tuple[Grammar, tuple[Relaxation, ...]]:
    """Return the grammar of the JSON values that a schema allows, and where it allows more.

    `name` is for error messages.
    """
    rules = Rules()
    found = _Reading(schema, rules)
    rules.terms["root"] = found.root()
    _mend([found], rules)
    return Grammar(render(rules.terms), name), found.relaxations()


def foreign_calls(
    schemas: Mapping[str, Json], origin: str
) -> tuple[Grammar, dict[str, tuple[Relaxation, ...]]]:
    """Return the grammar of calls of tools, by the schemas of their arguments.

    It starts after `calls.OPENING`, as that of our own calls. Relaxations are by tool.

    Raises:
        GrammarError: there are no tools.
    """
    if not schemas:
        raise GrammarError(f"{origin}: no tool is offered, so no grammar can be built")
    rules = Rules()
    readings = {name: _Reading(schema, rules) for name, schema in schemas.items()}
    tails = {
        encode(name)[1:] + ', "arguments": ': sequence(found.root(), Lit("}"))
        for name, found in readings.items()
    }
    rules.terms["root"] = trie(tails, rules)
    _mend(list(readings.values()), rules)
    relaxed = {name: found.relaxations() for name, found in readings.items()}
    return Grammar(render(rules.terms), origin), relaxed


def _mend(readings: Sequence[_Reading], rules: Rules) -> None:
    """Let definitions that begin with themselves, or never end, be anything."""
    owners = {name: found for found in readings for name in found.definitions}
    for find in (loops, unproductive):
        while names := [name for name in find(rules.terms) if name in owners]:
            owners[names[0]].give_up(names[0])


class _Reading:
    """One schema while it is read. Terms are None where nothing is valid."""

    def __init__(self, schema: Json, rules: Rules) -> None:
        self._schema = schema
        self._rules = rules
        self._names: dict[str, str] = {}
        """The rule of each definition, by its pointer."""
        self._todo: list[str] = []
        """Definitions that are not read yet: they may name each other in any depth."""
        self._relaxed: dict[Relaxation, None] = {}

    def relaxations(self) -> tuple[Relaxation, ...]:
        return tuple(self._relaxed)

    @property
    def definitions(self) -> tuple[str, ...]:
        """The rules of what a reference is to."""
        return tuple(self._names.values())

    def root(self) -> Term:
        """Return the term for the schema; its rules and those it needs are added."""
        if _depth(self._schema) > MAX_NESTING:
            return self._wide("$", "depth")
        top = self._reference("#", "$")
        while self._todo:
            pointer = self._todo.pop()
            target = self._target(pointer)
            assert target
            path = _path_of(pointer)
            term = self._term(target[0], path, 0)
            valid = self._wide(path, "false") if term is None else term
            self._rules.terms[self._names[pointer]] = valid
        return top

    def give_up(self, name: str) -> None:
        """Let a definition be anything."""
        pointer = next(pointer for pointer, rule in self._names.items() if rule == name)
        self._rules.terms[name] = self._wide(_path_of(pointer), "$ref")

    def _relax(self, path: str, keyword: str, instead: str) -> None:
        self._relaxed[Relaxation(path, keyword, instead)] = None

    def _anything(self) -> Term:
        return anyjson.value(self._rules)

    def _wide(self, path: str, keyword: str) -> Term:
        self._relax(path, keyword, _ANYTHING)
        return self._anything()

    # -- references and combinations ----------------------------------------------------------

    def _reference(self, pointer: str, path: str) -> Term:
        if pointer not in self._names:
            if self._target(pointer) is None:
                return self._wide(path, "$ref")
            self._names[pointer] = self._rules.fresh("ref")
            self._todo.append(pointer)
        return Ref(self._names[pointer])

    def _target(self, pointer: str) -> tuple[Json] | None:
        """Return what a local reference is to, None if there is nothing or it is elsewhere."""
        if pointer != "#" and not pointer.startswith("#/"):
            return None
        found = self._schema
        for part in unquote(pointer).split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
                found = found[int(key)]
            elif isinstance(found, dict) and key in found:
                found = found[key]
            else:
                return None
        return (found,)

    def _term(self, schema: Json, path: str, depth: int) -> Term | None:
        if schema is False:
            return None
        if schema is True:
            return self._anything()
        if not isinstance(schema, dict):
            return self._wide(path, "")
        if depth > MAX_DEPTH or len(self._rules.terms) > MAX_RULES:
            return self._wide(path, "depth" if depth > MAX_DEPTH else "size")
        said = {key: value for key, value in schema.items() if key not in ANNOTATIONS}
        if "$ref" in said:
            return self._referred(said, path)
        if isinstance(said.get("allOf"), list):
            return self._all_of(said, path, depth)
        for key in ("anyOf", "oneOf"):
            if isinstance(said.get(key), list):
                return self._any_of(said, key, path, depth)
        for key in sorted(said.keys() - _HANDLED) + [k for k in ("allOf",) if k in said]:
            if said[key] is not False:  # uniqueItems and the like
                self._relax(path, key, "nothing")
        if "enum" in said or "const" in said:
            return self._listed(said, path)
        options = [self._of_kind(kind, said, path, depth) for kind in self._kinds(said, path)]
        return either(options)

    def _referred(self, said: JsonObject, path: str) -> Term:
        for key in said:
            if key != "$ref":
                self._relax(path, key, "the $ref alone")
        return self._reference(str(said["$ref"]), path)

    def _all_of(self, said: JsonObject, path: str, depth: int) -> Term | None:
        parts: list[Json] = [{k: v for k, v in said.items() if k != "allOf"}]
        parts += cast("list[Json]", said["allOf"])
        telling = [p for p in parts if not isinstance(p, dict) or p.keys() - ANNOTATIONS]
        if len(telling) == 1:  # a $ref with a description: it may be recursive
            return self._term(telling[0], path, depth + 1)
        result: Json = {}
        for i, part in enumerate(telling):
            whole = self._resolved(part, f"{path}.allOf[{i}]", ())

            def lost(key: str) -> None:
                self._relax(f"{path}.allOf", key, "the first of several")

            result = merged(result, whole, lost)
        return self._term(result, path, depth + 1)

    def _resolved(self, schema: Json, path: str, seen: tuple[str, ...]) -> Json:
        """Return a schema without `$ref` and `allOf` at its top."""
        if not isinstance(schema, dict):
            return schema
        if "$ref" in schema:
            pointer = str(schema["$ref"])
            target = None if pointer in seen else self._target(pointer)
            if target is None:
                self._relax(path, "$ref", "nothing")
                return True
            return self._resolved(target[0], path, (*seen, pointer))
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        result: Json = {key: value for key, value in schema.items() if key != "allOf"}
        for part in parts:
            whole = self._resolved(part, path, seen)
            result = merged(result, whole, lambda key: self._relax(path, key, "the first"))
        return result

    def _any_of(self, said: JsonObject, key: str, path: str, depth: int) -> Term | None:
        branches = cast("list[Json]", said[key])
        base: JsonObject = {k: v for k, v in said.items() if k != key}
        if key == "oneOf" and len(branches) > 1:
            self._relax(path, key, "one or more of them")
        options: list[Term | None] = []
        for i, branch in enumerate(branches):
            where = f"{path}.{key}[{i}]"
            whole: Json = branch
            if base:
                both: list[Json] = [base, branch]
                whole = {"allOf": both}
            options.append(self._term(whole, where, depth + 1))
        return either(options)

    def _listed(self, said: JsonObject, path: str) -> Term | None:
        values = said.get("enum", [said.get("const")])
        if not isinstance(values, list):
            return self._wide(path, "enum")
        if "const" in said:
            values = [v for v in values if _written(v) == _written(said["const"])]
        for key in sorted(said.keys() & _HANDLED - {"enum", "const", "type"}):
            self._relax(path, key, "any value of the enum")
        known = kinds(said)
        fitting = [_written(v) for v in values if known is None or any(_is(v, k) for k in known)]
        texts = [text for text in fitting if text]
        return any_of(texts, self._rules) if texts else None

    def _kinds(self, said: JsonObject, path: str) -> list[str]:
        found = kinds(said)
        if found is None and "type" in said:
            self._relax(path, "type", _ANYTHING)
        if found is not None:
            return [k for k in dict.fromkeys(found) if k != "integer" or "number" not in found]
        meant = [kind for kind in _EVERY_KIND if said.keys() & set(_OWN.get(kind, ()))]
        meant += [kind for key, kind in _KIND_OF_KEYWORD.items() if key in said]
        return list(dict.fromkeys(meant)) or ["any"]

    # -- types ------------------------------------------------------------------------------------

    def _of_kind(self, kind: str, said: JsonObject, path: str, depth: int) -> Term | None:
        match kind:
            case "null":
                return Lit("null")
            case "boolean":
                return Alt((Lit("true"), Lit("false")))
            case "string":
                return self._string(said, path)
            case "integer" | "number":
                return self._number(kind, said, path)
            case "array":
                return self._array(said, path, depth)
            case "object":
                return self._object(said, path, depth)
            case _:
                return self._anything()

    def _count(self, said: JsonObject, key: str, most: int, path: str) -> int | None:
        """Return a count that a schema names, None where it names none that can be counted."""
        value = said.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not value >= 0:
            self._relax(path, key, "nothing")
            return None
        is_least = key.startswith("min")
        if value > most:
            self._relax(path, key, f"{most} at least" if is_least else "no limit")
            return most if is_least else None
        return math.ceil(value) if is_least else math.floor(value)

    def _string(self, said: JsonObject, path: str) -> Term | None:
        low = self._count(said, "minLength", MAX_CHARS, path) or 0
        high = self._count(said, "maxLength", MAX_CHARS, path)
        if high is not None and low > high:
            return None
        return named(anyjson.string(self._rules, low, high), self._rules)

    def _number(self, kind: str, said: JsonObject, path: str) -> Term | None:
        step = Fraction(1) if kind == "integer" else Fraction(1, 10**6)
        low = self._bound(said, "inimum", step, path)
        high = self._bound(said, "aximum", -step, path)
        if kind == "integer":
            term = numbers.whole(low, high, self._rules)
        elif low is None and high is None:
            term = anyjson.number(self._rules)
        else:
            term = numbers.decimal(low, high, self._rules)
        return term if term is None else named(term, self._rules)

    def _bound(self, said: JsonObject, key: str, step: Fraction, path: str) -> Fraction | None:
        """Return the bound of a number, moved by `step` where it is itself excluded."""
        short = f"m{key}"
        long = f"exclusiveM{key}"
        found = []
        for name, excluded in ((short, said.get(long) is True), (long, True)):
            value = said.get(name)
            if value is None or isinstance(value, bool):  # draft 4 has a boolean beside the bound
                continue
            if not isinstance(value, int | float) or not abs(value) <= numbers.MAX_BOUND:
                self._relax(path, name, "no limit")
                continue
            exact = Fraction(str(value))
            found.append(math.floor(exact / step) * step + step if excluded else exact)
        return (max if step > 0 else min)(found) if found else None

    def _array(self, said: JsonObject, path: str, depth: int) -> Term | None:
        low = self._count(said, "minItems", MAX_ITEMS, path) or 0
        high = self._count(said, "maxItems", MAX_ITEMS, path)
        if high is not None and low > high:
            return None
        first, rest, where = _items(said)
        if first is None:
            self._relax(path, where, _ANYTHING)
            first = []
        leading: list[Term] = []
        for i, schema in enumerate(first[: high if high is not None else len(first)]):
            term = self._term(schema, f"{path}.{where}[{i}]", depth + 1)
            if term is None:
                rest, high = False, i
                break
            leading.append(named(term, self._rules))
        if high is not None and low > high:
            return None
        after = self._term(rest, f"{path}.items", depth + 1)
        return list_of(leading, after, low, high, self._rules)

    def _object(self, said: JsonObject, path: str, depth: int) -> Term | None:
        properties = said.get("properties", {})
        if not isinstance(properties, dict):
            self._relax(path, "properties", "nothing")
            properties = {}
        if "patternProperties" in said:
            self._relax(path, "patternProperties", "nothing")
        required = said.get("required", [])
        if not isinstance(required, list):  # draft 3 and 4 had a boolean in the property
            self._relax(path, "required", "nothing")
            required = []
        needed = [name for name in required if isinstance(name, str)]
        others = True if "patternProperties" in said else said.get("additionalProperties", True)
        schemas = {**properties, **{name: others for name in needed if name not in properties}}
        if not schemas:
            return self._free(others, said, path, depth)
        return self._entries(schemas, set(needed), said, path, depth)

    def _free(self, others: Json, said: JsonObject, path: str, depth: int) -> Term | None:
        low = self._count(said, "minProperties", 1, path) or 0
        high = self._count(said, "maxProperties", MAX_ITEMS, path)
        inside = self._term(others, f"{path}.additionalProperties", depth + 1)
        if inside is None or high == 0:
            return None if low else Lit("{}")
        return anyjson.mapping(named(inside, self._rules), self._rules, low, high)

    def _entries(
        self, schemas: JsonObject, needed: set[str], said: JsonObject, path: str, depth: int
    ) -> Term | None:
        entries: list[tuple[Term, bool]] = []
        for name, schema in schemas.items():
            term = self._term(schema, f"{path}.properties.{name}", depth + 1)
            if term is None and name in needed:
                return None
            if term is not None:
                entries.append(
                    (sequence(Lit(f"{_written(name)}: "), short(term, self._rules)), name in needed)
                )
        n_needed = sum(is_needed for _, is_needed in entries)
        low = self._count(said, "minProperties", len(entries), path) or 0
        high = self._count(said, "maxProperties", MAX_ITEMS, path)
        if high is not None and n_needed > high:
            return None
        if low > n_needed:
            self._relax(path, "minProperties", f"{n_needed} at least")
        if high is not None and len(entries) > high:
            self._relax(path, "maxProperties", f"{len(entries)} at most")
        return object_of(entries, self._rules)


def _depth(value: Json) -> int:
    """Return how deep values lie in each other, up to more than MAX_NESTING."""
    depth, level = 0, [value]
    while level and depth <= MAX_NESTING:
        depth += 1
        inside = [
            v.values() if isinstance(v, dict) else v for v in level if isinstance(v, dict | list)
        ]
        level = [value for values in inside for value in values]
    return depth


def _items(said: JsonObject) -> tuple[list[Json] | None, Json, str]:
    """Return what a list begins with, what its other items are, and the keyword that says so."""
    if "prefixItems" in said:
        first = said["prefixItems"]
        return (first if isinstance(first, list) else None), said.get("items", True), "prefixItems"
    items = said.get("items", True)
    if isinstance(items, list):
        return items, said.get("additionalItems", True), "items"
    return [], items, "items"


def _written(value: Json) -> str:
    """Return a value as JSON, with escapes where UTF-8 cannot hold it; empty for infinity."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return ""
    return text if is_writable(text) else json.dumps(value)


def _is(value: Json, kind: str) -> bool:
    match value:
        case None:
            return kind == "null"
        case bool():
            return kind == "boolean"
        case int():
            return kind in ("integer", "number")
        case float():
            return kind == "number" or (kind == "integer" and value.is_integer())
        case str():
            return kind == "string"
        case list():
            return kind == "array"
        case _:
            return kind == "object"


def _path_of(pointer: str) -> str:
    return "$" + unquote(pointer)[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
