"""Records as JSON lines: what is refused, and what a line looks like."""

from __future__ import annotations

import json

import pytest

from qwenagent.errors import QwenAgentError
from qwenagent.protocol import events, wire
from qwenagent.protocol.events import EventStream, Record, TokenDelta, Warned

RECORD = Record(Warned("careful", "ü \u2028 \x1b"), "run-1", 7, 1.5, "2")
LINE = wire.encode(RECORD)


def changed(**more: object) -> str:
    return json.dumps({**json.loads(LINE), **more})


def without(key: str) -> str:
    raw = json.loads(LINE)
    del raw[key]
    return json.dumps(raw)


def test_a_line_has_the_header_the_type_and_the_event():
    assert json.loads(LINE) == {
        "v": 1,
        "run_id": "run-1",
        "seq": 7,
        "time": 1.5,
        "step": "2",
        "type": "warned",
        "message": "careful",
        "hint": "ü \u2028 \x1b",
    }
    assert "\n" not in LINE
    assert wire.decode(LINE) == wire.decode(LINE.encode()) == RECORD


def test_half_a_surrogate_pair_does_not_stop_the_stream():
    line = wire.encode(Record(Warned("caf\udce9", ""), "r", 1, 0.0))
    assert json.loads(line)["message"] == "caf?"
    assert wire.decode(line).event == Warned("caf?", "")


@pytest.mark.parametrize("version", [0, events.VERSION + 1, "1", None, 1.5])
def test_another_version_is_refused(version):
    with pytest.raises(QwenAgentError) as caught:
        wire.decode(changed(v=version))
    assert caught.value.message == (
        f"event version {version!r}, this program reads {events.VERSION}"
    )


@pytest.mark.parametrize("end", [0, 1, 2, len(LINE) // 2, len(LINE) - 1])
def test_a_torn_line_is_refused(end):
    with pytest.raises(QwenAgentError, match=r"^not an event record: "):
        wire.decode(LINE[:end])


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "null",
        "1",
        LINE + LINE,
        changed(type="unknown"),
        changed(message=3),
        without("type"),
        without("seq"),
        without("message"),
        b"\xff",
    ],
)
def test_what_is_no_record_is_refused(line):
    with pytest.raises(QwenAgentError, match=r"^not an event record: "):
        wire.decode(line)


def test_a_line_without_a_version_is_refused():
    with pytest.raises(QwenAgentError, match="event version None"):
        wire.decode(without("v"))


def test_a_field_that_is_not_known_is_no_reason_to_refuse():
    assert wire.decode(changed(later="x")) == RECORD


def test_a_stream_numbers_its_records_and_hands_them_to_every_sink():
    seen: tuple[list[Record], list[Record]] = ([], [])
    stream = EventStream("r", (seen[0].append, seen[1].append), clock=lambda: 2.0)
    stream.emit(TokenDelta("a"))
    stream.step = "1"
    stream.emit(TokenDelta("b", 1))
    assert (
        seen[0]
        == seen[1]
        == [
            Record(TokenDelta("a"), "r", 1, 2.0),
            Record(TokenDelta("b", 1), "r", 2, 2.0, "1"),
        ]
    )


def test_every_event_has_a_name_of_its_own():
    assert len(set(wire.TYPES)) == len(events.Event.__args__)
    assert {"run_started", "tests_ran", "finished"} <= set(wire.TYPES)
