"""undo, redo and restore on the command line: what they say, and the exit codes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.workspace import About, Edit, Repository, Workspace
from tests.conftest import run_git

README = "# Sample\n"


@pytest.fixture
def root(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(repo / "pkg")
    return repo


def keep(root: Path, title: str, *edits: Edit, commit: bool = False) -> None:
    tree = Workspace(Repository.open(root))
    for edit in edits:
        tree.apply(edit)
    about = About(title=title, kind="step" if commit else "task")
    tree.intend(about)
    tree.settle(about, tree.repository.commit(tree.changed(), title) if commit else "")


def test_undo_and_redo_say_what_they_did(root, capsys):
    keep(root, "tidy", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"))
    assert guarded(["undo"]) == 0
    assert capsys.readouterr() == (
        "undone: task 'tidy'\n  as they were before: new.py, README.md\n"
        "`qwenagent redo` brings it back\n",
        "",
    )
    assert guarded(["redo"]) == 0
    assert capsys.readouterr() == (
        "redone: task 'tidy'\n  as it left them: README.md, new.py\n",
        "",
    )
    assert (root / "README.md").read_text() == "one\n"


def test_a_file_that_stays_is_named_with_what_to_do(root, capsys):
    keep(root, "tidy", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"))
    (root / "README.md").write_text("mine\n")
    assert guarded(["undo"]) == 1
    out, err = capsys.readouterr()
    assert out.splitlines()[:2] == ["undone: task 'tidy'", "  as they were before: new.py"]
    told = re.fullmatch(
        r"  README.md was changed since and stays as it is\n"
        r"    as it was before, it lies in (\.qwenagent/aside/\w+/README\.md)\n",
        err,
    )
    assert told
    assert (root / told[1]).read_text() == README


def test_undo_of_a_commit_names_it(root, capsys):
    keep(root, "a step", Edit("README.md", README, "one\n"), commit=True)
    commit = run_git(root, "rev-parse", "HEAD")[:12]
    assert guarded(["undo"]) == 0
    first = capsys.readouterr().out.splitlines()[0]
    assert first == f"undone: step 'a step'; commit {commit} dropped from main"


def test_the_points_are_listed(root, capsys):
    assert guarded(["restore"]) == 0
    assert capsys.readouterr().out == "there are no points: no step or task was kept here\n"
    keep(root, "one", Edit("README.md", README, "one\n"))
    keep(root, "two", Edit("README.md", "one\n", "two\n"))
    guarded(["undo"])
    capsys.readouterr()
    assert guarded(["restore"]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [(row[0], row[3:5], row[-1]) for row in rows[1:]] == [
        ("1", ["task:", "one"], "kept"),
        ("2", ["task:", "two"], "undone"),
    ]


def test_restore_goes_there(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"))
    keep(root, "two", Edit("README.md", "one\n", "two\n"))
    assert guarded(["restore", "0"]) == 0
    assert (root / "README.md").read_text() == README
    assert guarded(["restore", "2"]) == 0
    assert (root / "README.md").read_text() == "two\n"
    assert guarded(["restore", "7"]) == 1
    assert capsys.readouterr().err.startswith("error: there is no point 7\n")


def test_with_nothing_to_undo(root, capsys):
    assert guarded(["undo"]) == 1
    assert capsys.readouterr().err.startswith("error: there is nothing to undo")
