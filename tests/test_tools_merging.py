"""An edit of a file that somebody else changed meanwhile: all of theirs is in it, or it is refused.

What two people make of different lines is worked out here place by place, without a diff.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools import make_edit
from qwenagent.workspace import Edit, Repository, Workspace
from tests.conftest import run_git

BOM = b"\xef\xbb\xbf"
CALL = ToolCall("rewrite_file", {"path": "a.txt"})
USUAL = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100)
Places = dict[int, int]
"""How many lines are written at a place: an even one is before a line, an odd one is the line."""
N_LINES = st.integers(1, 9)
PLACES: st.SearchStrategy[Places] = st.dictionaries(st.integers(0, 18), st.integers(0, 2))


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("merging") / "repo"
    root.mkdir()
    run_git(root, "init", "-q", "--template=")
    run_git(root, "commit", "-qm", "first", "--allow-empty")
    return Workspace(Repository.open(root))


def written(n_lines: int, *sides: tuple[str, Places]) -> list[str]:
    """Return numbered lines after everyone has written at their places."""
    lines = []
    for place in range(2 * n_lines + 1):
        new = [f"{who} {place} {n}" for who, places in sides for n in range(places.get(place, 0))]
        is_kept = place % 2 and not any(place in places for _, places in sides)
        lines += [f"line {place}"] if is_kept else new
    return lines


def are_apart(mine: Places, ours: Places) -> bool:
    """Whether a line that nobody writes at lies between each two places."""
    return all(abs(a - b) > 2 or (abs(a - b) == 2 and not a % 2) for a in mine for b in ours)


def only_within(n_lines: int, places: Places) -> Places:
    """Leave out the places that are not there, and an insertion of nothing."""
    return {at: n for at, n in places.items() if at <= 2 * n_lines and (n or at % 2)}


def joined(lines: list[str], *, is_ended: bool) -> str:
    return "\n".join(lines) + ("\n" if is_ended and lines else "")


def made(tree: Workspace, call: ToolCall, shown: str) -> Edit | str:
    """Return the edit, or why there is none."""
    try:
        return make_edit(tree, call, {"a.txt": shown})
    except EditRefused as error:
        return error.message


@given(N_LINES, PLACES, PLACES, st.booleans(), st.sampled_from(["\n", "\r\n"]), st.booleans())
@example(5, {0: 1}, {2: 1}, True, "\r\n", True)
@example(5, {10: 2, 1: 0}, {5: 1}, True, "\n", False)
@example(3, {1: 1}, {3: 1}, True, "\n", False)
@example(1, {1: 0}, {2: 1}, False, "\n", False)
@USUAL
def test_what_the_user_wrote_is_in_it_or_it_is_refused(
    tree, n_lines, theirs, ours, is_ended, newline, has_bom
):
    theirs, ours = only_within(n_lines, theirs), only_within(n_lines, ours)
    base = written(n_lines)
    now, wanted = written(n_lines, ("mine", theirs)), written(n_lines, ("ours", ours))
    shown = joined(base, is_ended=is_ended)
    call = ToolCall(CALL.name, CALL.arguments, "\n".join(wanted))

    def put(lines: list[str]) -> bytes:
        text = joined(lines, is_ended=is_ended).replace("\n", newline)
        data = (BOM if has_bom else b"") + text.encode()
        (tree.root / "a.txt").write_bytes(data)
        tree.refresh()
        return data

    before = put(now)
    must_merge = are_apart(theirs, ours) and is_ended and ours
    edit = made(tree, call, shown)
    if isinstance(edit, str):
        assert edit == "a.txt has changed since it was read; read it again"
        assert not must_merge
        assert (tree.root / "a.txt").read_bytes() == before
        return
    tree.apply(edit)
    after = (tree.root / "a.txt").read_bytes()
    if len(now) > 1 or newline == "\n":  # else there may be no line end to go by
        assert after == (BOM if has_bom else b"") + (edit.new or "").replace("\n", newline).encode()
    tree.rollback()
    assert (tree.root / "a.txt").read_bytes() == before
    found = (edit.new or "").split("\n")
    assert [line for line in found if line.startswith("mine")] == [
        line for line in now if line.startswith("mine")
    ]
    assert [line for line in found if line.startswith("ours")] == [
        line for line in wanted if line.startswith("ours")
    ]
    assert set(found) <= {*now, *wanted, ""}
    if must_merge:
        assert edit.new == joined(written(n_lines, ("mine", theirs), ("ours", ours)), is_ended=True)


FEW = st.lists(st.sampled_from(["", "x", "y", "  x", "}", "<<<<<<< x", "=======", "grün\u2028"]))


@given(FEW, FEW, FEW, st.booleans())
@USUAL
def test_lines_that_look_alike_do_not_get_lost(tree, base, mine, ours, is_ended):
    """However git aligns them: as many of each line more than before, as the user has added."""
    texts = [joined(lines, is_ended=is_ended) for lines in (base, ours, mine)]
    merged = tree.repository.merged(*texts)
    if merged is None:
        return
    before, *sides, there = [Counter(re.findall(r"[^\n]*\n|[^\n]+", t)) for t in (*texts, merged)]
    for side in sides:
        assert not side - before - there
    if texts[0] in texts[1:]:
        assert merged == next((text for text in texts[1:] if text != texts[0]), texts[0])


@pytest.mark.parametrize("text", ["a\0b\n", "\ud800\n"])
def test_what_git_does_not_merge_is_no_merge(tree, text):
    assert tree.repository.merged("a\n", text, "a\nk\nb\n") is None


@pytest.mark.parametrize(
    "line",
    ["[merge]\n\tconflictStyle = diff3\n", '[merge "x"]\n\tdriver = touch ran\n\tdefault = x\n'],
)
def test_a_repository_does_not_decide_how_it_is_merged(repo, line):
    with (repo / ".git/config").open("a") as config:
        config.write(line)
    (repo / ".gitattributes").write_text("* merge=x filter=x\n")
    repository = Repository.open(repo)
    both = ("a\nk\nb\nk\nc\n", "a\nk\nX\nk\nC\n", "A\nk\nX\nk\nc\n")
    assert repository.merged(*both) == "A\nk\nX\nk\nC\n"
    assert not (repo / "ran").exists()


def test_the_next_change_of_a_merged_file_is_one_of_what_the_model_wrote(tree):
    told: list[tuple[str, str]] = []
    tree.meanwhile.tell = lambda *said: told.append(said)
    path = tree.root / "a.txt"
    shown = {"a.txt": "1\n2\n3\n4\n5\n6\n7\n"}
    path.write_text("mine\n" + shown["a.txt"])
    tree.refresh()
    first = make_edit(tree, _lines(3, "three"), shown)
    tree.apply(first)
    assert first.meant is not None
    second = make_edit(tree, _lines(6, "six"), {"a.txt": first.meant})
    tree.apply(second)
    assert second == Edit("a.txt", first.new, "mine\n1\n2\nthree\n4\n5\nsix\n7\n")
    assert len(told) == 1
    assert path.read_text() == second.new
    tree.rollback()
    assert path.read_text() == "mine\n" + shown["a.txt"]


def _lines(row: int, text: str) -> ToolCall:
    return ToolCall("replace_lines", {"path": "a.txt", "start": row, "end": row}, text)


def test_bytes_of_an_old_encoding_stay(tree):
    path: Path = tree.root / "a.txt"
    shown = "für\nk\nl\nm\n"
    path.write_bytes("für\nk\nl\nm\ngrün\n".encode("latin-1"))
    tree.refresh()
    tree.apply(make_edit(tree, _lines(1, "über"), {"a.txt": shown}))
    assert path.read_bytes() == "über\nk\nl\nm\ngrün\n".encode("latin-1")
    tree.rollback()
