"""The JSON Schema of events: every line keeps to it, and other lines do not."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.protocol.schema import line_schema
from qwenagent.protocol.wire import TYPES, encode
from tests.sample_events import SESSION, records


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = line_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_every_event_of_a_run_keeps_to_it(validator):
    lines = [json.loads(encode(record)) for record in (*records(), *records(SESSION))]
    assert {line["type"] for line in lines} == set(TYPES)
    for line in lines:
        validator.validate(line)


@pytest.mark.parametrize(
    "change", [{"v": 99}, {"type": "unheard_of"}, {"seq": "1"}, {"seq": 0}, {"time": None}]
)
def test_other_lines_do_not(validator, change):
    line = json.loads(encode(records()[0])) | change
    assert not validator.is_valid(line)


def test_a_field_that_is_missing_is_seen(validator):
    line = json.loads(encode(records()[0]))
    del line["title"]
    assert not validator.is_valid(line)


def test_the_command_prints_it(capsys):
    assert guarded(["schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(line_schema()))
