"""Two JSON Schemas that both hold, as one. Knows keywords, no grammar and no references."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import cast

from qwenagent.protocol.json import Json, JsonObject

Lost = Callable[[str], None]
"""Is told a keyword of which only one of two wishes is kept."""

ANNOTATIONS = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "example",
        "examples",
        "id",
        "readOnly",
        "title",
        "writeOnly",
    }
)
"""Keywords that allow and refuse nothing."""

_LEAST = {"maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"}
_MOST = {"minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"}
_KINDS = {"null", "boolean", "integer", "number", "string", "array", "object"}


def merged(a: Json, b: Json, lost: Lost) -> Json:
    """Return a schema that allows what `a` and `b` both allow; more only where `lost` is told."""
    for one, other in ((a, b), (b, a)):
        if one is False:
            return False
        if not isinstance(one, dict):  # True allows everything, and so does what is no schema
            return other
    one, other = cast("JsonObject", a), cast("JsonObject", b)
    result: JsonObject = {**one, **{k: v for k, v in other.items() if k not in one}}
    for key in one.keys() & other.keys():
        if key not in ANNOTATIONS and one[key] != other[key]:
            result[key] = _both(key, one[key], other[key], lost)
    if "properties" in result or "required" in result:
        _merge_properties(one, other, result, lost)
    return result


def kinds(schema: JsonObject) -> list[str] | None:
    """Return the types that a schema names, None if it names none that are known."""
    named = schema.get("type")
    found = named if isinstance(named, list) else [named]
    known = [kind for kind in found if isinstance(kind, str) and kind in _KINDS]
    return known or None if named != [] else []


def _both(key: str, a: Json, b: Json, lost: Lost) -> Json:
    if key == "type":
        return _common_kinds({"type": a}, {"type": b})
    if key == "required" and isinstance(a, list) and isinstance(b, list):
        return [*a, *(name for name in b if name not in a)]
    if key == "enum" and isinstance(a, list) and isinstance(b, list):
        known = {json.dumps(value, sort_keys=True) for value in b}
        return [value for value in a if json.dumps(value, sort_keys=True) in known]
    if key in ("items", "additionalProperties") and not isinstance(a, list | None):
        return merged(a, b, lost)
    if key in _LEAST | _MOST and _is_number(a) and _is_number(b):
        smaller, larger = sorted([a, b], key=lambda bound: cast("float", bound))
        return smaller if key in _LEAST else larger
    if key == "properties":
        return a  # done with an eye on `additionalProperties`
    lost(key)
    return a


def _is_number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _common_kinds(a: JsonObject, b: JsonObject) -> Json:
    ours, theirs = kinds(a), kinds(b)
    if ours is None or theirs is None:
        return a["type"] if theirs is None else b["type"]
    common = [k for k in ours if k in theirs or (k == "integer" and "number" in theirs)]
    if "number" in ours and "integer" in theirs and "integer" not in common:
        common.append("integer")
    return cast("Json", common)


def _merge_properties(a: JsonObject, b: JsonObject, result: JsonObject, lost: Lost) -> None:
    ours, theirs = _properties(a), _properties(b)
    result["properties"] = {
        name: merged(_of(a, ours, name), _of(b, theirs, name), lost) for name in {**ours, **theirs}
    }


def _properties(schema: JsonObject) -> JsonObject:
    found = schema.get("properties")
    return found if isinstance(found, dict) else {}


def _of(schema: JsonObject, properties: JsonObject, name: str) -> Json:
    """Return what a schema says of a property that it may not name."""
    if name in properties or "patternProperties" in schema:
        return properties.get(name, True)
    return schema.get("additionalProperties", True)
