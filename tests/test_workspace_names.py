"""Names of files and branches, and arguments, that are not UTF-8: nothing that is kept trips."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from qwenagent.loop import RunOptions, Undoing, finish_killed, recover_killed
from qwenagent.plan import read_plan
from qwenagent.protocol.events import Warned
from qwenagent.protocol.stored import decoded, encoded
from qwenagent.transcript import TranscriptWriter, read
from qwenagent.workspace import (
    About,
    Edit,
    Place,
    Point,
    Repository,
    Turning,
    Workspace,
    tree_lock,
)
from tests.conftest import run_git
from tests.loop_stage import Stage, body

ODD = os.fsdecode(b"br\xff")
README = "# Sample\n"
CALC = "def add(a, b):\n    return a - b\n"
FIXED = CALC.replace("a - b", "a + b")
POINT = Point(1, "u", 1.0, About(f"fix {ODD}\n"), Place(f"refs/heads/{ODD}", "0" * 40))
PLAN = """# Two

- [ ] Fix `add` in `calc.py`.
      Test: `grep -q "a + b" calc.py`
- [ ] Make it with `sh make.sh`.
      Kind: command
"""


@pytest.fixture
def root(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a file of such a name, on a branch of such a name."""
    try:
        (repo / ODD).write_text("mine\n")
        run_git(repo, "switch", "-q", "-c", ODD)
    except OSError:  # macOS
        pytest.skip("this file system has no such names")
    monkeypatch.chdir(repo)
    return repo


def test_a_lock_tells_what_it_is_for(tmp_path):
    with tree_lock(tmp_path, f"fix {ODD}"):
        assert b'"what":"fix br\\\\udcff"' in (tmp_path / "owner.json").read_bytes()
    with tree_lock(tmp_path, "again") as before:
        assert before is None


def test_what_is_stored_comes_back():
    for indent in (None, 1):
        assert decoded(encoded(POINT, indent), Point) == POINT
    plain = Point(1, "u", 1.0, About("x"), Place("a", "b"))
    assert encoded(plain) == msgspec.json.encode(plain)


@pytest.mark.parametrize("data", [b'"\\ud800"', b'{"\\u', b'"\\udcff"', b"\xff\\u", b"{}"])
def test_what_cannot_be_one_of_ours_is_refused(data):
    with pytest.raises(msgspec.MsgspecError):
        decoded(data, Point)


@pytest.mark.parametrize("commit", [True, False])
def test_a_point_is_undone_and_redone_there(commit, root):
    tree = Workspace(Repository.open(root))
    tree.apply(Edit("README.md", README, "one\n"))
    about = About(f"fix {ODD}")
    tree.intend(about)
    point = tree.settle(about, tree.repository.commit(["README.md"], about.title) if commit else "")
    assert point is not None
    assert point.place.branch == f"refs/heads/{ODD}"
    turning = Turning(tree.repository)
    assert turning.undo().point.about == about
    assert (root / "README.md").read_text() == README
    assert turning.redo().paths == ("README.md",)
    assert (root / "README.md").read_text() == "one\n"


def test_a_killed_step_there_is_kept(root):
    tree = Workspace(Repository.open(root))
    tree.apply(Edit("README.md", README, "one\n"))
    tree.intend(About(f"fix {ODD}"))
    tree.repository.commit(["README.md"], "one")
    for place in (root / ".git/qwenagent/unfinished").iterdir():
        pid = f'"pid":{os.getpid()},'.encode()
        place.write_bytes(place.read_bytes().replace(pid, b'"pid":2147483647,'))
    assert recover_killed(tree.repository) == Warned(
        f"an earlier run was killed: `fix {ODD}` was just done, and is kept"
    )
    assert finish_killed(tree.repository) is None
    assert [point.place.branch for point in Turning(tree.repository).points()] == [
        f"refs/heads/{ODD}"
    ]


@pytest.mark.parametrize("options", [RunOptions(tick=True), RunOptions(commit=False, tick=True)])
def test_a_whole_plan_of_such_a_name(options, root):
    """Its command makes a file of such a name, which stays as it is."""
    (root / "make.sh").write_text("touch \"$(printf 'f\\377')\"\n")
    (root / "calc.py").write_text(CALC)
    run_git(root, "add", "calc.py", "make.sh")
    run_git(root, "commit", "-qm", "more")
    plan = Path(f"{ODD}.md")
    plan.write_text(PLAN)
    stage = Stage(root, [body(FIXED)])
    stage.run([read_plan(plan)], "plan", options)
    assert stage.states[0] == "solved"
    with TranscriptWriter(root.parent / "run.jsonl") as writer:
        for record in stage.records:
            writer(record)
    assert [*read(root.parent / "run.jsonl")][-1].seq == stage.records[-1].seq
    (turned,) = Undoing(Repository.open(root)).undo()
    assert (root / "calc.py").read_text() == CALC
    assert turned.point.about.plan == plan.name
    plan.write_text(PLAN)  # what has such a name is in no point, so that its ticks have stayed
    again = Stage(root, [body(FIXED)])
    again.run([read_plan(plan)], "plan", options)
    assert (root / "calc.py").read_text() == FIXED
    assert (root / ODD).read_text() == "mine\n"
