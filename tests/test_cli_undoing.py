"""undo, redo, restore and diff on the command line: what they say, and the exit codes."""

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


def keep(root: Path, title: str, *edits: Edit, commit: bool = False, run: str = "") -> None:
    tree = Workspace(Repository.open(root))
    for edit in edits:
        tree.apply(edit)
    about = About(title=title, kind="step" if commit else "task", run=run)
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


# -- diff -----------------------------------------------------------------------------------------

ONE = """README.md +1 -1
diff --git a/README.md b/README.md
--- a/README.md
+++ b/README.md
@@ -1 +1 @@
-# Sample
+one
"""
NEW = """new.py +1 -0
diff --git a/new.py b/new.py
new file mode 100644
--- /dev/null
+++ b/new.py
@@ -0,0 +1 @@
+x
"""


def told(capsys: pytest.CaptureFixture[str], *args: str, code: int = 0) -> tuple[str, str]:
    assert guarded(["diff", *args]) == code
    return capsys.readouterr()


def test_diff_shows_what_undo_would_take_back(root, capsys):
    keep(root, "earlier", Edit("pkg/store.py", store(root), "x = 1\n"))
    keep(root, "tidy", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"))
    assert told(capsys) == (ONE + NEW, "")
    keep(root, "a step", Edit("README.md", "one\n", "two\n"), commit=True)
    assert told(capsys) == (ONE.replace("# Sample", "one").replace("+one", "+two"), "")
    guarded(["undo"])
    capsys.readouterr()
    assert told(capsys) == (ONE + NEW, "")


def test_diff_is_of_all_steps_of_a_run(root, capsys):
    keep(root, "earlier", Edit("new.py", None, "x\n"), run="a")
    keep(root, "one", Edit("README.md", README, "between\n"), run="b", commit=True)
    keep(root, "two", Edit("README.md", "between\n", "one\n"), run="b", commit=True)
    assert told(capsys) == (ONE, "")
    assert told(capsys, "0") == (ONE + NEW, "")


def test_diff_since_a_point(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"))
    keep(root, "two", Edit("new.py", None, "x\n"))
    assert told(capsys, "1") == (NEW, "")
    nothing = "nothing was changed: no step or task was kept here after point 2\n"
    assert told(capsys, "2") == (nothing, "")
    out, err = told(capsys, "7", code=1)
    assert (out, err.split("\n")[0]) == ("", "error: there is no point 7")


def test_a_file_of_the_users_hand_is_named(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"), run="a")
    (root / "README.md").write_text("mine\none\n")
    keep(root, "two", Edit("new.py", None, "x\n"), run="a")
    (root / "unknown.txt").write_text("not of any point\n")
    mine = ONE.replace("+1 -1", "+2 -1").replace("+1 @@", "+1,2 @@").replace("+one", "+mine\n+one")
    assert told(capsys) == (mine + NEW, "not by qwenagent alone: README.md\n")
    assert told(capsys, "1") == (NEW, "")


def test_diff_in_short(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\ny\n"))
    out, err = told(capsys, "--stat")
    rows = [line.split() for line in out.splitlines()]
    assert rows == [["file", "added", "removed"], ["README.md", "1", "1"], ["new.py", "2", "0"]]
    assert err == ""


def test_diff_where_nothing_is_different(root, capsys):
    assert told(capsys) == ("nothing was changed: no step or task was kept here\n", "")
    keep(root, "one", Edit("README.md", README, "one\n"))
    (root / "README.md").write_text(README)
    assert told(capsys) == ("the files are as they were before point 1 (one)\n", "")


def test_line_ends_count_where_nothing_else_differs(root, capsys):
    (root / "README.md").write_bytes(b"a\r\nb\r\n")
    keep(root, "one", Edit("README.md", "a\nb\n", "a\nc\n"))
    assert told(capsys)[0].splitlines()[-3:] == [" a", "-b", "+c"]
    (root / "README.md").write_bytes(b"a\nb\n")
    out, err = told(capsys)
    assert out.startswith("README.md +2 -2\n")
    assert err == "not by qwenagent alone: README.md\n"


def test_what_the_user_deleted_or_made_a_link_is_gone(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"), Edit("new.py", None, "x\n"))
    (root / "README.md").unlink()
    (root / "README.md").symlink_to("/etc/hostname")
    (root / "new.py").unlink()
    out, err = told(capsys)
    assert out.splitlines()[:3] == [
        "README.md +0 -1",
        "diff --git a/README.md b/README.md",
        "deleted file mode 100644",
    ]
    assert out.endswith("-# Sample\n")
    assert err == "not by qwenagent alone: README.md\n"


def test_a_step_whose_commit_the_user_dropped_is_no_change(root, capsys):
    keep(root, "one", Edit("README.md", README, "one\n"))
    keep(root, "two", Edit("new.py", None, "x\n"), commit=True)
    run_git(root, "reset", "-q", "--hard", "HEAD~1")
    (root / "README.md").write_text("one\n")
    assert told(capsys, "0") == (ONE, "")


def store(root: Path) -> str:
    return (root / "pkg/store.py").read_text()
