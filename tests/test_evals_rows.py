"""Rows on the disk: what is written is read, a torn line does not count, and what a row answers."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import UsageError
from qwenagent.evals import append_row, read_all_rows, read_rows
from qwenagent.evals.rows import row_key
from tests.rows_stage import MACHINE, SETUP, row, small_task

texts = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=25)
@given(
    note=texts,
    task=texts,
    changed=st.lists(texts, max_size=3),
    checks=st.dictionaries(texts, st.booleans(), max_size=3),
    seconds=st.floats(min_value=0, allow_infinity=False, allow_nan=False),
    chosen=st.dictionaries(texts, st.one_of(texts, st.booleans(), st.integers(-9, 9))),
)
def test_what_is_written_is_read(tmp_path_factory, note, task, changed, checks, seconds, chosen):
    path = tmp_path_factory.mktemp("rows") / "a folder" / "results ü.jsonl"
    setup = replace(SETUP, settings=chosen)
    first = row(task, False, note=note, changed=changed, checks=checks, setup=setup)
    second = row(task, seconds=seconds)
    append_row(path, first)
    append_row(path, second)
    assert read_rows(path) == [first, second]
    assert path.read_bytes().count(b"\n") == 2


def test_notes_of_several_lines_are_one_line(tmp_path):
    path = tmp_path / "r.jsonl"
    odd = row(note="one\ntwo\r\n\u2028three \x85 \x00 漢字 👩‍💻")
    append_row(path, odd)
    assert read_rows(path) == [odd]


def test_rows_of_several_files_come_in_their_order(tmp_path):
    for name, tasks in (("a", ("one", "two")), ("b", ("one",))):
        for task in tasks:
            append_row(tmp_path / name, row(task, note=name))
    found = read_all_rows([tmp_path / "b", tmp_path / "a"])
    assert [(r.task, r.note) for r in found] == [("one", "b"), ("one", "a"), ("two", "a")]


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])
def test_a_torn_last_line_does_not_count_and_is_cut_off(tmp_path, share):
    path = tmp_path / "r.jsonl"
    append_row(path, row("one"))
    whole = path.read_bytes()
    append_row(path, row("two"))
    torn = path.read_bytes()[len(whole) : -1]
    path.write_bytes(whole + torn[: max(1, int(share * len(torn)))])
    assert read_rows(path) == [row("one")]
    append_row(path, row("three"))
    assert read_rows(path) == [row("one"), row("three")]


def test_a_file_that_is_one_torn_line(tmp_path):
    path = tmp_path / "r.jsonl"
    path.write_bytes(b'{"suite":')
    assert read_rows(path) == []
    append_row(path, row())
    assert read_rows(path) == [row()]


@pytest.mark.parametrize(
    "line",
    [b"", b"{}", b"[1]", b"\xff", b'{"suite":"\xff"}', b'{"suite":3}', b"null", b"# a remark"],
    ids=repr,
)
def test_a_line_that_is_no_row_is_told_by_its_number(tmp_path, line):
    path = tmp_path / "r.jsonl"
    append_row(path, row("one"))
    whole = path.read_bytes()
    path.write_bytes(whole + line + b"\n" + whole)
    with pytest.raises(UsageError, match=r"r\.jsonl, line 2 is no row of results: \w"):
        read_rows(path)


def test_no_file_and_a_folder(tmp_path):
    with pytest.raises(UsageError, match=r"none\.jsonl cannot be read: No such file"):
        read_rows(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_rows(tmp_path)


FULL = """
import resource, signal, sys
from pathlib import Path
from qwenagent.evals import append_row
from tests.rows_stage import row
path = Path(sys.argv[1])
append_row(path, row("one"))
limit = path.stat().st_size + 100
resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
try:
    append_row(path, row("two"))
except OSError as error:
    print("refused", path.stat().st_size == limit)
"""


def test_a_row_that_the_disk_takes_in_part_is_an_error_and_no_row(tmp_path):
    path = tmp_path / "r.jsonl"
    top = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path)], cwd=top, capture_output=True, text=True
    )
    assert (done.stdout, done.stderr) == ("refused True\n", "")
    assert read_rows(path) == [row("one")]


# -- keys -------------------------------------------------------------------------------------


def test_a_row_has_the_key_that_its_task_promised():
    task = small_task("one")
    done = row("one", digest=task.digest)
    assert done.key == row_key(task, SETUP)
    assert len({done.key, row("two", digest=task.digest).key}) == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"machine": replace(MACHINE, cores=64, gpu="A GPU")},
        {"seconds": 99.0, "test_seconds": 9.0, "started": "2027", "transcript": "x"},
        {"passed": False, "note": "no"},
        {"setup": replace(SETUP, commit="fed321+")},
        {"setup": replace(SETUP, model="another title", model_file="renamed.gguf")},
    ],
    ids=lambda changes: ",".join(changes),
)
def test_where_and_when_are_not_in_the_key(changes):
    assert row(**changes) != row()
    assert row(**changes).key == row().key


@pytest.mark.parametrize(
    "changes",
    [
        {"arm": "plain"}, {"command": "other {dir}"}, {"tries": 2}, {"tests": "visible"},
        {"time_limit_s": 5.0}, {"test_limit_s": 5.0}, {"seed": 2}, {"model_sha256": "beef"},
        {"version": "0.2.0"}, {"code": "c0d3"}, {"settings": {"loop.repairs": 0}},
        {"libraries": {"python": "3.12.1"}},
    ],
    ids=lambda changes: ",".join(changes),
)  # fmt: skip
def test_how_it_was_tried_is_in_the_key(changes):
    assert row(setup=replace(SETUP, **changes)).key != row().key
    assert row_key(small_task("one"), replace(SETUP, **changes)) != row_key(
        small_task("one"), SETUP
    )


@pytest.mark.parametrize(
    "changes", [{"digest": "d2"}, {"suite": "other"}, {"kind": "fix"}, {"task": "two"}], ids=str
)
def test_which_task_it_was_is_in_the_key(changes):
    assert row(**{"task": "one", **changes}).key != row().key


def test_a_setting_reads_the_same_from_a_file(tmp_path):
    setup = replace(SETUP, settings={"loop.temperature": 1.0, "tests.slow_s": 3})
    append_row(tmp_path / "r", row(setup=setup))
    [read] = read_rows(tmp_path / "r")
    assert read.key == row(setup=setup).key
