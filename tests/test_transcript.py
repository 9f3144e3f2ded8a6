"""Transcripts: written as it happens, read back whole, torn lines, ids and places."""

import re
import stat
from pathlib import Path

import pytest

from qwenagent import transcript
from qwenagent.errors import QwenAgentError, UsageError
from qwenagent.protocol.events import Event, Record, TokenDelta, TurnStarted, Warned
from qwenagent.transcript import TranscriptWriter
from tests.sample_events import BEGIN, FIRST, records


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state of affairs" / "runs" / "r.jsonl"


def write(path: Path, whole: list[Record]) -> list[Record]:
    with TranscriptWriter(path) as writer:
        for record in whole:
            writer(record)
    return list(transcript.read(path))


def test_a_run_comes_back_with_its_deltas_joined(path):
    whole = records()
    back = write(path, whole)
    others = [r for r in whole if not isinstance(r.event, TokenDelta)]
    assert [r for r in back if not isinstance(r.event, TokenDelta)] == others
    assert [r.seq for r in back] == sorted({r.seq for r in back})
    told = {(r.step, r.event.candidate): r.event.text for r in back if type(r.event) is TokenDelta}
    assert told == {
        ("s1", 0): "".join(e.text for e in FIRST if isinstance(e, TokenDelta)),
        ("s2", 0): "onetwo",
        ("s2", 1): "eins",
    }


def test_joined_deltas_keep_the_first_seq_and_time(path):
    events: list[Event] = [
        TokenDelta("a"),
        TokenDelta("x", 1),
        TokenDelta("b"),
        Warned("w"),
        TokenDelta("c"),
    ]
    whole = records(events)
    back = write(path, whole)
    assert [(r.seq, r.event) for r in back] == [
        (1, TokenDelta("ab")),
        (2, TokenDelta("x", 1)),
        (4, Warned("w")),
        (5, TokenDelta("c")),
    ]
    assert back[0].time == whole[0].time


def test_each_record_is_on_disk_at_once(path):
    writer = TranscriptWriter(path)
    writer(records([Warned("now")])[0])
    assert [r.event for r in transcript.read(path)] == [Warned("now")]
    writer.close()
    writer.close()


def test_only_the_owner_can_read_it(path):
    write(path, records([Warned("mine")]))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) & 0o077 == 0


def test_a_torn_last_line_is_skipped_and_then_cut(path):
    write(path, records([Warned("one"), Warned("two")]))
    whole = path.read_bytes()
    for end in range(len(whole) // 2 + 1, len(whole) - 1):
        path.write_bytes(whole[:end])
        assert [r.event for r in transcript.read(path)] == [Warned("one")]
    back = write(path, records([Warned("three")]))
    assert [r.event for r in back] == [Warned("one"), Warned("three")]


def test_a_file_of_one_torn_line_is_empty(path):
    write(path, records([Warned("one")]))
    path.write_bytes(path.read_bytes()[:20])
    assert list(transcript.read(path)) == []
    assert [r.event for r in write(path, records([Warned("two")]))] == [Warned("two")]


@pytest.mark.parametrize("line", [b"{}\n", b"\n", b"[1]\n", b'{"v":1\n', b"\xff\n"])
def test_another_malformed_line_is_an_error_with_its_number(path, line):
    write(path, records([Warned("one")]))
    path.write_bytes(path.read_bytes() + line)
    with pytest.raises(QwenAgentError, match=r"r\.jsonl, line 2: "):
        list(transcript.read(path))


def test_line_separators_inside_text_do_not_split_lines(path):
    events: list[Event] = [Warned("a\u2028b\x0cc\r\nd"), TurnStarted(1, "edit")]
    assert [r.event for r in write(path, records(events))] == events


def test_a_missing_transcript_is_said(tmp_path):
    with pytest.raises(QwenAgentError, match="no transcript at"):
        list(transcript.read(tmp_path / "none.jsonl"))


def test_ids_sort_by_time_and_are_not_given_twice():
    ids = [transcript.new_run_id() for _ in range(50)]
    assert len(set(ids)) == 50  # chance of a false alarm: below 1 in 10,000
    assert all(re.fullmatch(r"\d{8}-\d{6}-[0-9a-f]{6}", run_id) for run_id in ids)


def test_places(monkeypatch, tmp_path):
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path))
    assert transcript.state_dir() == tmp_path / "state"
    assert transcript.run_path("r-1") == tmp_path / "state" / "runs" / "r-1.jsonl"
    monkeypatch.delenv("QWENAGENT_HOME")
    assert transcript.state_dir().name in ("qwenagent", "State")


@pytest.mark.parametrize("run_id", ["", "../x", "a/b", "-x", "a.jsonl", "x" * 65, "a\n"])
def test_an_id_cannot_lead_elsewhere(run_id):
    with pytest.raises(UsageError):
        transcript.run_path(run_id)


def test_sample_begins_with_the_run():
    assert records()[0].event == BEGIN[0]
