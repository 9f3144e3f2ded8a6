"""Lists of words, the arguments of a command, as a grammar."""

from __future__ import annotations

import json

import jsonschema
import pytest

from qwenagent.errors import GrammarError, UnsupportedSchema
from qwenagent.grammar import Offer, Words, accepts, call_grammar, forced_call
from qwenagent.grammar.calls import OPENING
from qwenagent.grammar.choices import WORD_PATTERN, from_schema
from qwenagent.protocol.json import Json, JsonObject
from qwenagent.protocol.tools import ToolSpec
from qwenagent.tools import SPECS

ITEM: JsonObject = {"type": "string", "maxLength": 3, "pattern": WORD_PATTERN}
LIST: JsonObject = {"type": "array", "items": ITEM, "minItems": 1, "maxItems": 2}


def spec(schema: Json) -> ToolSpec:
    parameters: JsonObject = {
        "type": "object",
        "properties": {"argv": schema, "then": {"type": "boolean"}},
        "required": ["argv", "then"],
    }
    return ToolSpec("go", "go", parameters)


def line(argv: object) -> str:
    text = json.dumps({"name": "go", "arguments": {"argv": argv, "then": True}}, ensure_ascii=False)
    return text.removeprefix(OPENING)


@pytest.mark.parametrize(
    ("argv", "fits"),
    [
        (["a"], True),
        (["a", "b c"], True),
        (['"', "\\"], True),
        (["漢🙂é", "\u200b"], True),
        ([], False),
        (["a", "b", "c"], False),
        ([""], False),
        (["abcd"], False),
        (["\n"], False),
        (["\t"], False),
        (["\x7f"], False),
        (["\x85"], False),
        ([1], False),
        ([["a"]], False),
        ("a", False),
    ],
)
def test_what_a_list_of_words_takes(argv, fits):
    grammar = call_grammar([Offer(spec(LIST))], "a test").text
    assert accepts(grammar, line(argv)) == fits
    if fits:
        jsonschema.validate(argv, LIST)


def test_there_is_one_way_to_write_a_list():
    grammar = call_grammar([Offer(spec(LIST))], "a test").text
    begin, _, end = line(["a", "b"]).partition('["a", "b"]')
    for other in ('["a","b"]', '[ "a", "b"]', '["a", "b" ]', '["\\u0061", "b"]', '["a", "b",]'):
        assert not accepts(grammar, begin + other + end)


def test_a_list_is_never_the_only_thing_that_can_be_said():
    assert forced_call([Offer(SPECS["run_command"])]) is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"items": {"type": "string"}}, "$.items: only strings of the pattern"),
        ({"items": {"type": "string", "pattern": ".*"}}, "$.items: only strings of the pattern"),
        ({"items": {**ITEM, "type": "integer", "maximum": 3}}, "$.items.maxLength"),
        ({"items": {"type": "integer", "pattern": WORD_PATTERN}}, "$.items.type: only strings"),
        ({"items": {**ITEM, "format": "uri"}}, "$.items.format"),
        ({"items": {**ITEM, "maxLength": 9999}}, "$.items.maxLength"),
        ({"items": [ITEM]}, "$.items: only strings"),
        ({"minItems": 0}, "$.minItems: only 1"),
        ({"maxItems": 0}, "$.maxItems: 0"),
        ({"maxItems": 101}, "$.maxItems: 101"),
        ({"uniqueItems": True}, "$.uniqueItems"),
        ({"prefixItems": []}, "$.prefixItems"),
    ],
)
def test_what_cannot_be_forced_is_refused_with_its_path(change, path):
    with pytest.raises(UnsupportedSchema) as raised:
        from_schema({**LIST, **change}, "$")
    assert raised.value.message.startswith(path)


def test_limits_of_a_list():
    with pytest.raises(GrammarError, match="101 words of at most 3"):
        call_grammar([Offer(spec(LIST), {"argv": Words(101, 3)})], "a test")
    assert from_schema(LIST, "$") == Words(2, 3)
