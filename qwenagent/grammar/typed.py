"""The values of a type, by its keywords in a JSON Schema, as terms.

Knows no references and no combinations of schemas: what lies inside of a list or an object is
asked of who knows them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction

from qwenagent.grammar import anyjson, numbers
from qwenagent.grammar.containers import either, list_of, named, object_of, short
from qwenagent.grammar.merging import kinds
from qwenagent.grammar.terms import Alt, Lit, Rules, Term, sequence
from qwenagent.grammar.written import as_json
from qwenagent.protocol.json import Json, JsonObject

Relax = Callable[[str, str, str], None]
"""Is told a path, a keyword that is not kept there, and what holds instead."""
Inside = Callable[[Json, str, int], Term | None]
"""Returns the term for a schema inside of another one, by its path and depth."""

MAX_CHARS = 1000
"""Longest string that is counted; llama.cpp has a rule for each character."""
MAX_ITEMS = 100
"""Longest list that is counted."""
ANYTHING = "any JSON value"

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
KEYWORDS = frozenset(key for keys in _OWN.values() for key in keys)
"""Those that a term is made of."""

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


class Values:
    """The values of each type that a schema allows. Terms are None where nothing is valid."""

    def __init__(self, rules: Rules, relax: Relax, inside: Inside) -> None:
        self._rules = rules
        self._relax = relax
        self._inside = inside

    def term(self, said: JsonObject, path: str, depth: int) -> Term | None:
        """Return the term for values of the types that a schema names, or means."""
        options = [self._of_kind(kind, said, path, depth) for kind in self._kinds(said, path)]
        return either(options)

    def _kinds(self, said: JsonObject, path: str) -> list[str]:
        found = kinds(said)
        if found is None and "type" in said:
            self._relax(path, "type", ANYTHING)
        if found is not None:
            return [k for k in dict.fromkeys(found) if k != "integer" or "number" not in found]
        meant = [kind for kind in _EVERY_KIND if said.keys() & set(_OWN.get(kind, ()))]
        meant += [kind for key, kind in _KIND_OF_KEYWORD.items() if key in said]
        return list(dict.fromkeys(meant)) or ["any"]

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
                return anyjson.value(self._rules)

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
            self._relax(path, where, ANYTHING)
            first = []
        leading: list[Term] = []
        for i, schema in enumerate(first[: high if high is not None else len(first)]):
            term = self._inside(schema, f"{path}.{where}[{i}]", depth + 1)
            if term is None:
                rest, high = False, i
                break
            leading.append(named(term, self._rules))
        if high is not None and low > high:
            return None
        after = self._inside(rest, f"{path}.items", depth + 1)
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
        inside = self._inside(others, f"{path}.additionalProperties", depth + 1)
        if inside is None or high == 0:
            return None if low else Lit("{}")
        return anyjson.mapping(named(inside, self._rules), self._rules, low, high)

    def _entries(
        self, schemas: JsonObject, needed: set[str], said: JsonObject, path: str, depth: int
    ) -> Term | None:
        entries: list[tuple[Term, bool]] = []
        for name, schema in schemas.items():
            term = self._inside(schema, f"{path}.properties.{name}", depth + 1)
            if term is None and name in needed:
                return None
            if term is not None:
                entries.append(
                    (sequence(Lit(f"{as_json(name)}: "), short(term, self._rules)), name in needed)
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


def is_of_kind(value: Json, kind: str) -> bool:
    """Return whether a value is of a type."""
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


def _items(said: JsonObject) -> tuple[list[Json] | None, Json, str]:
    """Return what a list begins with, what its other items are, and the keyword that says so."""
    if "prefixItems" in said:
        first = said["prefixItems"]
        return (first if isinstance(first, list) else None), said.get("items", True), "prefixItems"
    items = said.get("items", True)
    if isinstance(items, list):
        return items, said.get("additionalItems", True), "items"
    return [], items, "items"
