"""Past runs by the two ends of their transcripts: what is told, which one is meant."""

import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from qwenagent import transcript
from qwenagent.errors import UsageError
from qwenagent.protocol import wire
from qwenagent.protocol.events import Event, Finished, Record, RunStarted, Warned
from qwenagent.transcript import PastRun, TranscriptWriter, find_run, look_at, past_runs, run_path
from tests.sample_events import BEGIN, END, START, records

BEGUN = cast(RunStarted, BEGIN[0])
ENDED = cast(Finished, END[-1])


def keep(run_id: str, events: Sequence[Event] = (), repository: str = "") -> Path:
    """Write the transcript of a run, by default the whole sample."""
    path = run_path(run_id)
    with TranscriptWriter(path) as writer:
        for record in records(events):
            writer(moved(record, repository) if repository else record)
    return path


def moved(record: Record, repository: str) -> Record:
    if not isinstance(record.event, RunStarted):
        return record
    return replace(record, event=replace(record.event, repository=repository))


def test_the_ends_of_a_whole_run():
    path = keep("20261122-051903-9f3a1c")
    whole = records()
    state = path.stat()
    assert look_at(path) == PastRun(
        "20261122-051903-9f3a1c", path, state.st_size, state.st_mtime, False,
        BEGUN, START + 1.5, whole[-1].time, ENDED,
    )  # fmt: skip


@pytest.mark.parametrize("torn", [b"", b'{"v":1,"run_', b'{"v":1}'])
@pytest.mark.parametrize("n_filler", [0, 70_000, 200_000])
def test_a_run_that_was_killed(torn, n_filler):
    path = keep("a", [BEGUN, Warned("x" * n_filler), Warned("last")])
    with path.open("ab") as file:
        file.write(torn)
    run = look_at(path)
    assert (run.started, run.finished, run.trouble) == (BEGUN, None, "")
    assert (run.start, run.end) == (START + 1.5, START + 4.5)
    assert not run.is_complete


@pytest.mark.parametrize("n_bytes", [65_535, 65_536, 65_537, 131_072, 300_000])
def test_a_last_line_longer_than_a_block(n_bytes):
    event = replace(ENDED, diff="")
    event = replace(event, diff="+" * (n_bytes - len(wire.encode(records([BEGUN, event])[1]))))
    path = keep("a", [BEGUN, event])
    assert len(path.read_bytes().splitlines()[-1]) == n_bytes
    assert look_at(path).finished == event


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"", ""),
        (b'{"v":1', ""),
        (b"nothing\n", "not an event record: "),
        (b'{"v":2,"run_id":"a"}\n', "a newer qwenagent wrote this: its events have version 2"),
    ],
)
def test_what_cannot_be_read_does_not_stop_the_others(data, trouble):
    keep("a")
    run_path("b").write_bytes(data)
    odd, whole = past_runs()
    assert (odd.run_id, odd.started, odd.start) == ("b", None, 0.0)
    assert odd.trouble.startswith(trouble)
    assert bool(odd.trouble) == bool(trouble)
    assert (whole.run_id, whole.finished) == ("a", ENDED)


def test_the_middle_is_not_read():
    path = keep("a")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"no record\n" * 100_000, lines[-1]]))
    assert look_at(path).finished == ENDED


def test_a_run_is_under_way_as_long_as_its_process_lives():
    path = run_path("a")
    code = (
        "import sys; from pathlib import Path; from qwenagent.transcript import TranscriptWriter\n"
        "writer = TranscriptWriter(Path(sys.argv[1])); print(flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with path.open("rb"):  # others who look at it do not count
            assert [look_at(path).is_under_way for _ in range(2)] == [True, True]
        process.kill()
    assert not look_at(path).is_under_way


def test_whoever_looks_does_not_keep_a_run_from_writing():
    path = keep("a", [BEGUN])
    import fcntl

    with path.open("rb") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_SH)
        with TranscriptWriter(path) as writer:
            writer(records()[1])
    assert len(list(transcript.read(path))) == 2


def test_runs_come_newest_first_and_nothing_else_counts(tmp_path):
    for run_id in ("20261122-051903-9f3a1c", "20261123-000000-000000", "20261122-051903-ffffff"):
        keep(run_id, [BEGUN])
    folder = run_path("a").parent
    (folder / "notes.txt").write_text("mine", encoding="utf-8")
    (folder / "-x.jsonl").write_text("", encoding="utf-8")
    (folder / "b.jsonl").mkdir()
    (folder / "c.jsonl").symlink_to(folder / "notes.txt")
    assert [run.run_id for run in past_runs()] == [
        "20261123-000000-000000", "20261122-051903-ffffff", "20261122-051903-9f3a1c",
    ]  # fmt: skip


@pytest.fixture
def three():
    keep("20261120-100000-aaaaaa", repository="/here")
    keep("20261121-100000-bbbbbb", repository="/here")
    keep("20261121-100001-cccccc", repository="/there")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("name", "repository", "found"),
    [
        ("20261120-100000-aaaaaa", "", "20261120-100000-aaaaaa"),
        ("20261120", "", "20261120-100000-aaaaaa"),
        ("20261121-100001", "/here", "20261121-100001-cccccc"),
        ("20261121", "/here", "20261121-100000-bbbbbb"),
        ("20261121", "/there", "20261121-100001-cccccc"),
        ("last", "/here", "20261121-100000-bbbbbb"),
        ("last", "/there", "20261121-100001-cccccc"),
        ("last", "/nowhere", "20261121-100001-cccccc"),
        ("last", "", "20261121-100001-cccccc"),
    ],
)
def test_the_run_that_is_meant(name, repository, found):
    assert find_run(name, repository).run_id == found


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("name", "repository", "said"),
    [
        ("2026", "/here", "2 runs begin with '2026': 20261121-100000-bbbbbb, 20261120-100000-aa"),
        ("20261121", "", "2 runs begin with '20261121': 20261121-100001-cccccc, 20261121-10"),
        ("2025", "", "no run's id begins with '2025'"),
        ("../x", "", r"'\.\./x' is not a run id"),
        ("", "", "'' is not a run id"),
    ],
)
def test_no_run_is_meant(name, repository, said):
    with pytest.raises(UsageError, match=said):
        find_run(name, repository)


def test_an_id_that_begins_another_one_is_meant_itself():
    keep("a")
    keep("a-b")
    assert find_run("a").run_id == "a"


def test_without_any_run_that_is_said():
    with pytest.raises(UsageError, match="there are no runs yet"):
        find_run("last")
