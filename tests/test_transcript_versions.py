"""Lines of other versions: older ones are migrated, newer ones refused, new events said."""

import json
from typing import Any

import pytest

from qwenagent.errors import QwenAgentError
from qwenagent.protocol import wire
from qwenagent.protocol.events import VERSION, Record, StepStarted, Warned
from qwenagent.transcript.versions import MIGRATIONS, record_of
from tests.sample_events import records

RECORD = Record(StepStarted(1, 3, "one"), "r", 7, 12.5, "s1")


def line(**changes: Any) -> bytes:
    raw = {**wire.to_dict(RECORD), **changes}
    return json.dumps({k: v for k, v in raw.items() if v is not None}).encode()


def test_every_event_of_this_version_is_read_as_it_was_written():
    whole = records()
    assert [record_of(wire.encode(record).encode()) for record in whole] == whole


def test_every_earlier_version_has_a_migration():
    assert set(MIGRATIONS) == set(range(1, VERSION))


def test_an_older_record_takes_every_step_between():
    migrations = {
        VERSION - 2: lambda raw: {**raw, "caption": raw["name"]},
        VERSION - 1: lambda raw: {**raw, "title": raw["caption"].strip()},
    }
    assert record_of(line(v=VERSION - 2, name=" one ", title=None), migrations) == RECORD
    assert record_of(line(v=VERSION - 1, caption=" one ", title=None), migrations) == RECORD


def test_an_older_record_without_a_migration_is_refused():
    with pytest.raises(QwenAgentError, match=f"events of version {VERSION - 1} are not known"):
        record_of(line(v=VERSION - 1))


def test_a_newer_record_is_refused_with_the_next_move():
    with pytest.raises(QwenAgentError) as caught:
        record_of(line(v=VERSION + 1, type="thing of the future", seq=None))
    assert str(caught.value) == (
        f"a newer qwenagent wrote this: its events have version {VERSION + 1}, this program reads "
        f"up to {VERSION}\nupdate qwenagent to read it"
    )


def test_an_event_of_a_newer_program_in_this_version_is_told():
    told = record_of(line(type="dreamed", total=None, number=None, about={"sheep": 3}))
    message = "'dreamed' is an event that this version of qwenagent does not know"
    assert told == Record(Warned(message, "a newer one shows it"), "r", 7, 12.5, "s1")


@pytest.mark.parametrize(
    "data",
    [
        b"", b"null", b"[]", b"{}", b'{"v":"1"}', b'{"v":true}', b"\xff", b'{"v":1,"step":"\xff"}',
        line(type=[]), line(type=None), line(seq="7"), line(time=None), line(total=None),
    ],
)  # fmt: skip
def test_what_is_no_record_is_said(data):
    with pytest.raises(QwenAgentError, match="not an event record"):
        record_of(data)
