"""Schemas of others: what is written is JSON and conforms, but for what is listed as relaxed."""

from __future__ import annotations

import json
from random import Random

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import GrammarError
from qwenagent.grammar import Recogniser, Relaxation, accepts, foreign_calls, foreign_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.grammar.reading import CharSet
from qwenagent.protocol.json import Json, JsonObject

FEW = settings(max_examples=120, deadline=None)
LIMIT = 3000


def sample(gbnf: str, random: Random) -> str | None:
    """A random sentence that closes what it opens as soon as it is long; None if it is too long."""
    recogniser = Recogniser(gbnf)
    text = ""
    while len(text) < LIMIT:
        sets = recogniser.next_chars()
        if not sets or (recogniser.complete and random.random() < 0.5):
            assert recogniser.complete
            return text
        closing = [c for c in '"]}' if any(c in found for found in sets)]
        if closing and (len(text) > 60 or random.random() < 0.2):
            char = closing[0]
        else:
            char = a_char(random.choice(sets), random)
        text += char
        assert recogniser.feed(char)
    return None


def a_char(chars: CharSet, random: Random) -> str:
    if chars.negated:
        return random.choice([c for c in "ab 1é🙂\u2028'/\\\"" if c in chars])
    low, high = random.choice(chars.ranges)
    return chr(random.randint(ord(low), ord(high)))


def takes(schema: Json, *values: Json) -> list[bool]:
    gbnf = foreign_grammar("a test", schema)[0].text
    return [accepts(gbnf, json.dumps(value, ensure_ascii=False)) for value in values]


NODE: JsonObject = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "below": {"type": "array", "items": {"$ref": "#/$defs/a~1node"}},
    },
    "required": ["name"],
    "additionalProperties": False,
}


EXACT: tuple[tuple[Json, list[Json], list[Json]], ...] = (
    (True, [1, "a", None, [{}], {"a": [1.5, True]}], []),
    ({}, [1, "a", None], []),
    ({"type": "null"}, [None], [0, "null", False]),
    ({"type": "boolean"}, [True, False], [0, None]),
    ({"type": ["string", "null"]}, ["a", "", None], [1, []]),
    ({"type": "string", "minLength": 2, "maxLength": 3}, ["ab", '🙂\n"'], ["a", "abcd"]),
    ({"minLength": 1}, ["a"], ["", 1]),
    ({"type": "string", "maxLength": 0}, [""], ["a"]),
    ({"type": "integer"}, [0, -1, 10**15 - 1, -12], [1.5, "1", True]),
    ({"type": "integer", "minimum": -3, "maximum": 12}, [-3, -1, 0, 9, 12], [-4, 13, 100]),
    ({"type": "integer", "minimum": 5}, [5, 12345], [4, -5]),
    ({"type": "integer", "maximum": -5}, [-5, -12345], [-4, 5, 0]),
    ({"type": "integer", "exclusiveMinimum": 0.5, "exclusiveMaximum": 3}, [1, 2], [0, 3]),
    (
        {
            "$schema": "http://json-schema.org/draft-04/schema#",
            "type": "integer",
            "minimum": 1,
            "exclusiveMinimum": True,
        },
        [2],
        [1],
    ),
    ({"type": "number"}, [0, -1.5, 1e30, 2.25e-7], ["1"]),
    ({"type": "number", "minimum": 0, "maximum": 1}, [0, 0.5, 1, 0.999999], [1.1, -0.1, 2]),
    ({"type": "number", "minimum": -0.25, "maximum": 0.5}, [-0.25, 0, 0.5], [-0.26, 0.51]),
    ({"type": "number", "exclusiveMaximum": 2}, [1.5, -3, 1.999999], [2, 2.5]),
    ({"enum": ["a", 1, None, {"b": [1]}]}, ["a", 1, None, {"b": [1]}], ["b", 2, {}]),
    ({"type": "string", "enum": ["a/b", "a\\b", 'q"', 3]}, ["a/b", "a\\b", 'q"'], [3, "a"]),
    ({"const": "x"}, ["x"], ["y"]),
    ({"enum": [1, 2], "const": 2}, [2], [1]),
    ({"type": "array", "items": {"type": "integer"}}, [[], [1, 2]], [["a"], {}]),
    ({"type": "array", "items": True, "minItems": 2, "maxItems": 3}, [[1, 2]], [[1], [1] * 4]),
    ({"items": False}, [[]], [[1]]),
    (
        {
            "$schema": "http://json-schema.org/draft-07/schema#",
            "items": [{"type": "null"}, {"enum": [1]}],
            "additionalItems": False,
        },
        [[], [None], [None, 1]],
        [[1], [None, 1, 1]],
    ),
    (
        {"prefixItems": [{"type": "null"}], "items": {"type": "boolean"}, "minItems": 2},
        [[None, True], [None, True, False]],
        [[], [None], [None, 1]],
    ),
    (
        {"prefixItems": [{"enum": [1]}, {"enum": [2]}], "maxItems": 1, "minItems": 1},
        [[1]],
        [[], [1, 2]],
    ),
    ({"type": "object"}, [{}, {"a": 1, "b": {}}], [[], 1]),
    ({"type": "object", "additionalProperties": False}, [{}], [{"a": 1}]),
    (
        {"additionalProperties": {"type": "integer"}, "minProperties": 1},
        [{"a": 1}],
        [{}, {"a": ""}],
    ),
    (
        {
            "properties": {"a": {"enum": [1]}, "b": {"enum": [2]}, "c": {"enum": [3]}},
            "required": ["b"],
        },
        [{"b": 2}, {"a": 1, "b": 2}, {"b": 2, "c": 3}, {"a": 1, "b": 2, "c": 3}],
        [{}, {"a": 1}, {"b": 2, "a": 1}, {"b": 2, "d": 1}, {"a": 2, "b": 2}],
    ),
    ({"properties": {"a": False, "b": {"enum": [2]}}}, [{}, {"b": 2}], [{"a": 1}]),
    (
        {"required": ["a"], "additionalProperties": {"type": "null"}},
        [{"a": None}],
        [{}, {"a": 1}],
    ),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, ["a", None], [1]),
    (
        {"type": "string", "anyOf": [{"maxLength": 1}, {"enum": ["long"]}]},
        ["a", "long"],
        ["lon"],
    ),
    ({"allOf": [{"type": "integer", "minimum": 1}, {"maximum": 3}]}, [1, 3], [0, 4]),
    (
        {
            "allOf": [
                {"properties": {"a": {"type": "integer"}}, "required": ["a"]},
                {"$ref": "#/$defs/b"},
            ],
            "$defs": {
                "b": {
                    "properties": {"a": {"maximum": 5}, "b": {"type": "null"}},
                    "required": ["b"],
                }
            },
        },
        [{"a": 5, "b": None}],
        [{"a": 5}, {"a": 6, "b": None}, {"b": None}],
    ),
    (
        {
            "allOf": [
                {"type": "object", "properties": {"a": {}}, "additionalProperties": False},
                {"properties": {"b": {}}},
            ]
        },
        [{}, {"a": 1}],
        [{"b": 1}],
    ),
    (
        {"$ref": "#/$defs/a~1node", "$defs": {"a/node": NODE}},
        [{"name": "a"}, {"name": "a", "below": [{"name": "b", "below": []}]}],
        [{}, {"name": "a", "below": [{}]}],
    ),
    (
        {
            "type": "object",
            "properties": {"next": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}},
        },
        [{}, {"next": {"next": None}}],
        [{"next": 1}],
    ),
    (
        {
            "properties": {"x": {"$ref": "#/definitions/n"}},
            "definitions": {"n": {"type": "null"}},
        },
        [{"x": None}],
        [{"x": 1}],
    ),
    (
        {"properties": {"x": {"allOf": [{"$ref": "#"}], "description": "d"}}},
        [{"x": {"x": {}}}],
        [{"x": 1}],
    ),
)
"""Schemas, what they take and what not, none of it relaxed."""


@pytest.mark.parametrize(("schema", "good", "bad"), EXACT)
def test_what_is_expressed_holds_exactly(schema: Json, good: list[Json], bad: list[Json]) -> None:
    assert foreign_grammar("a test", schema)[1] == ()
    assert takes(schema, *good, *bad) == [True] * len(good) + [False] * len(bad)
    assert isinstance(schema, bool | dict)
    for value in good:
        jsonschema.validate(value, schema)


@pytest.mark.parametrize(
    ("schema", "relaxed", "taken"),
    [
        ({"type": "string", "pattern": "a+"}, ("$", "pattern", "nothing"), "b"),
        (
            {"properties": {"a": {"format": "uri"}}},
            ("$.properties.a", "format", "nothing"),
            {"a": ""},
        ),
        ({"type": "string", "maxLength": 5000}, ("$", "maxLength", "no limit"), "a" * 5001),
        ({"type": "string", "minLength": 5000}, ("$", "minLength", "1000 at least"), "a" * 1000),
        ({"type": "integer", "multipleOf": 2}, ("$", "multipleOf", "nothing"), 3),
        ({"type": "integer", "minimum": 10**30}, ("$", "minimum", "no limit"), 1),
        ({"type": "array", "maxItems": 1000}, ("$", "maxItems", "no limit"), [1]),
        ({"type": "array", "uniqueItems": True}, ("$", "uniqueItems", "nothing"), [1, 1]),
        (
            {"oneOf": [{"type": "integer"}, {"type": "number"}]},
            ("$", "oneOf", "one or more of them"),
            1,
        ),
        ({"not": {"type": "null"}}, ("$", "not", "nothing"), None),
        ({"type": "wonder"}, ("$", "type", "any JSON value"), [1]),
        (False, ("$", "false", "any JSON value"), 1),
        ({"enum": []}, ("$", "false", "any JSON value"), 1),
        ({"type": "integer", "minimum": 2, "maximum": 1}, ("$", "false", "any JSON value"), 1),
        ({"required": ["a"], "additionalProperties": False}, ("$", "false", "any JSON value"), {}),
        ({"$ref": "#"}, ("$", "$ref", "any JSON value"), 1),
        ({"$ref": "https://example.org/x"}, ("$", "$ref", "any JSON value"), 1),
        ({"$ref": "#/$defs/none"}, ("$", "$ref", "any JSON value"), 1),
        (
            {"$ref": "#/$defs/a", "$defs": {"a": {}}, "minimum": 3},
            ("$", "minimum", "the $ref alone"),
            1,
        ),
        (
            {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
            ("$", "$ref", "any JSON value"),
            1,
        ),
        ({"anyOf": [{"$ref": "#"}, {"type": "null"}]}, ("$", "$ref", "any JSON value"), 1),
        ({"patternProperties": {"a": {}}}, ("$", "patternProperties", "nothing"), {"b": 1}),
        (
            {"properties": {"a": {}, "b": {}}, "minProperties": 1},
            ("$", "minProperties", "0 at least"),
            {},
        ),
        ({"type": "object", "minProperties": 2}, ("$", "minProperties", "1 at least"), {"a": 1}),
        ({"enum": [1, 2], "minimum": 2}, ("$", "minimum", "any value of the enum"), 1),
        (
            {"allOf": [{"pattern": "a"}, {"pattern": "b"}]},
            ("$.allOf", "pattern", "the first of several"),
            "c",
        ),
        ("what", ("$", "", "any JSON value"), 1),
    ],
)
def test_what_is_not_expressed_is_wider_and_listed(
    schema: Json, relaxed: tuple[str, str, str], taken: Json
) -> None:
    grammar, relaxations = foreign_grammar("a test", schema)
    assert Relaxation(*relaxed) in relaxations
    assert accepts(grammar.text, json.dumps(taken))


@pytest.mark.parametrize("leaf", [{"type": "null"}, {"minLength": 1}])
@pytest.mark.parametrize("key", ["allOf", "anyOf"])
def test_a_schema_that_grows_with_each_reference_is_cut_short(key: str, leaf: Json) -> None:
    twice: list[list[Json]] = [[{"$ref": f"#/$defs/d{n}"}] * 2 for n in range(1, 41)]
    chain: JsonObject = {
        f"d{n}": {"type": ["null", "string"], key: both} for n, both in enumerate(twice)
    }
    schema: Json = {"$ref": "#/$defs/d0", "$defs": {**chain, "d40": leaf}}
    grammar, relaxed = foreign_grammar("growing", schema)
    assert relaxed
    assert accepts(grammar.text, "null")


def test_a_deep_schema_and_a_long_chain_are_read() -> None:
    deep: Json = {"type": "null"}
    for _ in range(60):
        deep = {"type": "array", "items": deep}
    assert {r.keyword for r in foreign_grammar("deep", deep)[1]} == {"depth"}
    for _ in range(60):
        deep = {"allOf": [deep, {"description": "d"}]}
    assert {r.keyword for r in foreign_grammar("deep", deep)[1]} == {"depth"}
    chain: JsonObject = {f"d{i}": {"items": {"$ref": f"#/$defs/d{i + 1}"}} for i in range(500)}
    schema: Json = {"$ref": "#/$defs/d0", "$defs": {**chain, "d500": {"enum": [1]}}}
    grammar, relaxed = foreign_grammar("chain", schema)
    assert relaxed == ()
    assert accepts(grammar.text, "[" * 500 + "1" + "]" * 500)
    wide: Json = {"allOf": [{"anyOf": [{"minLength": n} for n in range(9)]} for _ in range(9)]}
    foreign_grammar("wide", wide)


def test_calls_of_tools_of_others() -> None:
    schemas: dict[str, Json] = {
        "get": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
        'get "all"': {"$ref": "#/$defs/x", "$defs": {"x": {"type": "object", "format": "f"}}},
        "loop": {"properties": {"a": {"$ref": "#"}}, "required": ["a"]},
    }
    grammar, relaxed = foreign_calls(schemas, "a test")
    assert relaxed == {
        "get": (),
        'get "all"': (Relaxation("$.$defs.x", "format", "nothing"),),
        "loop": (Relaxation("$", "$ref", "any JSON value"),),
    }
    for name, arguments, fits in (
        ("get", {"n": 3}, True),
        ("get", {}, False),
        ('get "all"', {"a": 1}, True),
        ("loop", {"a": 1}, True),
        ("other", {}, False),
    ):
        line = json.dumps({"name": name, "arguments": arguments})
        assert accepts(grammar.text, line.removeprefix(OPENING)) == fits
    with pytest.raises(GrammarError, match="here: no tool is offered"):
        foreign_calls({}, "here")


VALUES = st.one_of(st.none(), st.booleans(), st.integers(-9, 99), st.text('ab"\\/é\n', max_size=3))
NAMES = st.text('ab "\\é/', max_size=2)
BOUND = st.one_of(st.none(), st.integers(-20, 20), st.sampled_from([-1.5, 0.25, 3.75]))


def without_none(**keywords: Json) -> JsonObject:
    return {key: value for key, value in keywords.items() if value is not None}


NUMBERS = st.builds(
    lambda kind, low, high, over: without_none(
        type=kind, minimum=low, maximum=high, exclusiveMinimum=over
    ),
    st.sampled_from(["integer", "number"]),
    BOUND,
    BOUND,
    BOUND,
)
STRINGS = st.builds(
    lambda low, more: without_none(type="string", minLength=low, maxLength=low + more),
    st.integers(0, 3),
    st.integers(0, 4),
)
PLAIN = st.one_of(
    st.booleans(),
    st.just({}),
    st.sampled_from([{"type": "null"}, {"type": "boolean"}, {"type": ["null", "string"]}]),
    st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=3)),
    st.builds(lambda value: {"const": value}, VALUES),
    NUMBERS,
    STRINGS,
    st.sampled_from([{"$ref": "#"}, {"$ref": "#/$defs/x"}]),
)


def nested(inner: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    arrays = st.builds(
        lambda first, items, low, more: without_none(
            type="array", prefixItems=first, items=items, minItems=low, maxItems=low + more
        ),
        st.one_of(st.none(), st.lists(inner, max_size=2)),
        inner,
        st.integers(0, 2),
        st.integers(0, 2),
    )
    objects = st.builds(
        lambda properties, needed, others: without_none(
            type="object", properties=properties, required=needed, additionalProperties=others
        ),
        st.dictionaries(NAMES, inner, max_size=3),
        st.lists(NAMES, max_size=2, unique=True),
        st.one_of(st.none(), inner),
    )
    some = st.lists(inner, min_size=1, max_size=3)
    return st.one_of(
        arrays,
        objects,
        st.builds(lambda branches: {"anyOf": branches}, some),
        st.builds(lambda base, branches: {**base, "anyOf": branches}, objects, some),
        st.builds(
            lambda parts: {"allOf": parts},
            st.lists(st.one_of(objects, NUMBERS), min_size=1, max_size=2),
        ),
    )


SCHEMAS = st.recursive(PLAIN, nested, max_leaves=6)
ODD = st.dictionaries(
    st.sampled_from(
        [
            *("type", "enum", "const", "properties", "required", "items", "prefixItems", "not"),
            *("additionalProperties", "anyOf", "allOf", "oneOf", "$ref", "minimum", "maximum"),
            *("minLength", "maxItems", "pattern", "if", "$defs", "patternProperties"),
        ]
    ),
    st.one_of(
        VALUES, SCHEMAS, st.lists(SCHEMAS, max_size=2), st.dictionaries(NAMES, SCHEMAS, max_size=2)
    ),
    max_size=4,
)


@FEW
@given(SCHEMAS, SCHEMAS, st.integers(0, 2**32))
def test_what_is_drawn_conforms_unless_something_was_relaxed(
    schema: Json, definition: Json, seed: int
) -> None:
    if isinstance(schema, dict) and "$ref" not in schema:
        schema = {**schema, "$defs": {"x": definition}}
    assert isinstance(schema, bool | dict)
    grammar, relaxed = foreign_grammar("a test", schema)
    for i in range(3):
        text = sample(grammar.text, Random(seed + i))
        if text is None:
            continue
        value = json.loads(text)
        if not relaxed:
            jsonschema.Draft202012Validator(schema).validate(value)


@FEW
@given(ODD, st.integers(0, 2**32))
def test_any_schema_gives_json(schema: JsonObject, seed: int) -> None:
    grammar, _ = foreign_grammar("a test", schema)
    text = sample(grammar.text, Random(seed))
    if text is not None:
        json.loads(text)
