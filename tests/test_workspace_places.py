"""A file becomes a folder, and a folder a file: committed, undone and redone, with real git."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from qwenagent.config import GitSettings
from qwenagent.errors import UsageError
from qwenagent.loop.committing import commit_rules
from qwenagent.loop.talk.changes import Changes
from qwenagent.sandbox import Box
from qwenagent.workspace import About, Edit, Point, Repository, Turning, Workspace, recover
from tests.conftest import run_git

BEFORE = {"x": "1\n", "deep/er/a.py": "a\n", "deep/b.py": "b\n", "other.py": "o\n"}
TO_FOLDER = [Edit("x", "1\n", None), Edit("x/er/a.py", None, "2\n"), Edit("x/b.py", None, "3\n")]
TO_FILE = [
    Edit("deep/er/a.py", "a\n", None),
    Edit("deep/b.py", "b\n", None),
    Edit("deep", None, "4\n"),
]
FOLDER_DIFF = ["D\tx", "A\tx/b.py", "A\tx/er/a.py"]
FILE_DIFF = ["A\tdeep", "D\tdeep/b.py", "D\tdeep/er/a.py"]
CASES = [(TO_FOLDER, FOLDER_DIFF), (TO_FILE, FILE_DIFF)]
IDS = ["to a folder", "to a file"]


@pytest.fixture
def root(repo: Path) -> Path:
    """A repository with BEFORE as its last commit, and a change that is staged."""
    for name, text in BEFORE.items():
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(text)
    run_git(repo, "add", "--all")
    run_git(repo, "commit", "-qm", "before")
    (repo / "other.py").write_text("staged\n")
    run_git(repo, "add", "other.py")
    return repo


def contents(root: Path) -> dict[str, str]:
    found = {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*"))}
    kept = {name: path for name, path in found.items() if name.split("/")[0] != ".git"}
    return {name: path.read_text() if path.is_file() else "/" for name, path in kept.items()}


def differs(root: Path, *what: str) -> list[str]:
    out = run_git(root, "diff-tree", "-r", "--no-commit-id", "--name-status", *what)
    return out.splitlines()


def carry_out(tree: Workspace, edits: list[Edit]) -> None:
    """Do it: by edits where they can, else as a command does it, whose work is adopted."""
    if edits is TO_FOLDER:
        for edit in edits:
            tree.apply(edit)
        return
    shutil.rmtree(tree.root / "deep")
    (tree.root / "deep").write_text("4\n")
    for edit in edits:
        tree.adopt(edit.path, edit.old.encode() if edit.old else None)


def forsake(root: Path) -> None:
    """Make every note that of a process that is gone: no other has its number and beginning."""
    for place in (root / ".git" / "qwenagent" / "unfinished").iterdir():
        note = json.loads(place.read_bytes())
        note["owner"]["started"] = -1
        place.write_text(json.dumps(note))


def keep(tree: Workspace, edits: list[Edit], *, commit: bool, run: str = "") -> Point:
    carry_out(tree, edits)
    about = About(title="moved", kind="step" if commit else "task", run=run)
    tree.intend(about)
    made = tree.repository.commit(tree.changed(), "moved") if commit else ""
    point = tree.settle(about, made)
    assert point is not None
    return point


@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("hooks", ["off", "run"])
def test_it_is_committed_and_what_was_staged_stays_so(root, edits, diff, backwards, hooks):
    tree = Workspace(Repository.open(root))
    tree.repository.rules = commit_rules(GitSettings(hooks=hooks), os.environ, Box.off(root))
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngit diff --cached --no-renames --name-status HEAD >.git/seen\n")
    hook.chmod(0o755)
    carry_out(tree, edits)
    paths = sorted(tree.changed(), reverse=backwards)
    commit = tree.repository.commit(paths, "moved")
    assert differs(root, commit) == diff
    assert run_git(root, "status", "--porcelain") == "M  other.py\n"
    assert all(map(tree.repository.is_as_committed, ["x", "deep"]))
    if hooks == "run":
        assert (root / ".git" / "seen").read_text().splitlines() == diff
    assert tree.repository.commit(paths, "again") == commit


@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
def test_a_commit_that_fails_leaves_the_index_as_it_was(root, edits, diff, monkeypatch):
    tree = Workspace(Repository.open(root))
    carry_out(tree, edits)
    before = run_git(root, "ls-files", "-s"), contents(root)
    monkeypatch.setenv("GIT_AUTHOR_DATE", "no date")
    with pytest.raises(Exception, match="invalid date"):
        tree.repository.commit(tree.changed(), "moved")
    assert (run_git(root, "ls-files", "-s"), contents(root)) == before


@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
def test_a_snapshot_holds_it(root, edits, diff):
    tree = Workspace(Repository.open(root))
    carry_out(tree, edits)
    snapshot = tree.repository.snapshot("refs/qwenagent/one", "moved")
    assert sorted(differs(root, "HEAD", snapshot)) == sorted([*diff, "M\tother.py"])
    tree.rollback()
    assert run_git(root, "status", "--porcelain") == "M  other.py\n"


@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
@pytest.mark.parametrize("seed", range(4))
def test_what_a_killed_process_left_is_put_back(root, edits, diff, seed):
    before = contents(root)
    tree = Workspace(Repository.open(root))
    others = [Edit(f"x/er/{seed}{n}.py", None, "5\n") for n in range(4)]
    carry_out(tree, edits)
    for edit in others if edits is TO_FOLDER else ():
        tree.apply(edit)
    forsake(root)
    found = recover(Repository.open(root))
    assert found is not None
    assert found.kept == ()
    assert contents(root) == before


@pytest.mark.parametrize("commit", [False, True])
@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
def test_it_is_undone_and_redone(root, edits, diff, commit):
    tree = Workspace(Repository.open(root))
    before, index = contents(root), run_git(root, "ls-files", "-s")
    keep(tree, edits, commit=commit)
    after, then = contents(root), run_git(root, "ls-files", "-s")
    assert before != after
    assert (index == then) != commit
    turning = Turning(tree.repository)
    for _ in range(2):
        assert turning.undo().kept == {}
        assert (contents(root), run_git(root, "ls-files", "-s")) == (before, index)
        assert turning.redo().kept == {}
        assert (contents(root), run_git(root, "ls-files", "-s")) == (after, then)


@pytest.mark.parametrize(
    ("edits", "theirs", "back"), [(TO_FOLDER, "x/mine", True), (TO_FILE, "deep/mine", False)]
)
def test_a_folder_with_something_of_the_users_stays(root, edits, theirs, back):
    tree = Workspace(Repository.open(root))
    keep(tree, edits, commit=False)
    turning = Turning(tree.repository)
    if not back:
        turning.undo()
    (root / theirs).write_text("mine\n")
    turned = turning.undo() if back else turning.redo()
    name = theirs.split("/")[0]
    assert {path: kept.why for path, kept in turned.kept.items()} == {
        name: f"cannot be reached: {name} is a folder"
    }
    assert contents(root / name) == {"mine": "mine\n"}
    aside = root / turned.kept[name].aside
    assert aside.read_text() == ("1\n" if back else "4\n")


@pytest.mark.parametrize(("edits", "diff"), CASES, ids=IDS)
def test_the_work_of_a_session_is_committed_once(root, edits, diff):
    tree = Workspace(Repository.open(root))
    keep(tree, edits, commit=False, run="one")
    changes = Changes(tree.repository, "one")
    commit, paths = changes.commit("moved")
    assert sorted(paths) == sorted(edit.path for edit in edits)
    assert differs(root, commit) == diff
    with pytest.raises(UsageError, match="nothing of this session is uncommitted"):
        changes.commit("again")
