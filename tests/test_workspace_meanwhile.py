"""What the user does while the agent works: noticed before writes and commits, never replaced."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.workspace import (
    ChangedMeanwhile,
    Edit,
    Repository,
    TreeBusy,
    Workspace,
    tree_lock,
)
from tests.conftest import run_git

README = "# Sample\n"
THEIRS = "theirs\n"


@pytest.fixture
def told() -> list[tuple[str, str]]:
    return []


@pytest.fixture
def tree(repo: Path, told: list[tuple[str, str]]) -> Workspace:
    tree = Workspace(Repository.open(repo))
    tree.meanwhile.tell = lambda message, hint: told.append((message, hint))
    tree.meanwhile.stand()
    return tree


def commit_all(root: Path) -> None:
    run_git(root, "add", "-A")
    run_git(root, "commit", "-qm", "mine")


def second_write(tree: Workspace) -> None:
    tree.apply(Edit("pkg/store.py", tree.text("pkg/store.py"), "x = 1\n"))


def go_back(tree: Workspace) -> None:
    tree.restore({})


WAYS: list[Callable[[Workspace], object]] = [
    second_write,
    go_back,
    Workspace.rollback,
    lambda tree: tree.meanwhile.require_place(),
]


@pytest.mark.parametrize("go_on", WAYS, ids=["write", "restore", "rollback", "commit"])
@pytest.mark.parametrize("now", [THEIRS, None], ids=["changed", "deleted"])
def test_a_file_that_the_user_changed_stays_and_ends_the_step(go_on, now, repo, tree, told):
    tree.apply(Edit("README.md", README, "ours\n"))
    tree.apply(Edit("new.py", None, "ours\n"))
    if now is None:
        (repo / "README.md").unlink()
    else:
        (repo / "README.md").write_text(now)
    with pytest.raises(ChangedMeanwhile, match=r"^README\.md changed while"):
        go_on(tree)
    tree.abandon()
    assert ((repo / "README.md").read_text() if now else (repo / "README.md").exists()) == (
        now or False
    )
    assert not (repo / "new.py").exists()
    what = "deleted" if now is None else "changed or committed"
    assert told == [
        (
            f"README.md was {what} by somebody else while the step was carried out; "
            "it stays as it is",
            "",
        )
    ]


def test_what_was_not_committed_before_lies_aside(repo, tree, told):
    (repo / "README.md").write_text("mine, from before\n")
    tree.apply(Edit("README.md", "mine, from before\n", "ours\n"))
    (repo / "README.md").write_text(THEIRS)
    tree.abandon()
    ((_, hint),) = told
    place = hint.removeprefix("as it was before the step it lies in ")
    assert (repo / place).read_text() == "mine, from before\n"
    assert (repo / "README.md").read_text() == THEIRS
    assert run_git(repo, "status", "--porcelain") == " M README.md\n"


def test_a_new_file_of_the_users_where_ours_was_made_and_deleted(repo, tree):
    tree.apply(Edit("new.py", None, "ours\n"))
    tree.apply(Edit("new.py", "ours\n", None))
    (repo / "new.py").write_text(THEIRS)
    tree.abandon()
    assert (repo / "new.py").read_text() == THEIRS


def test_what_changed_while_a_command_ran_is_put_back_and_kept_aside(repo, tree, told):
    tree.apply(Edit("README.md", README, "ours\n"))
    tree.expect_changes()
    (repo / "README.md").write_text("formatted, or theirs\n")
    tree.restore({})
    assert (repo / "README.md").read_text() == README
    ((message, hint),) = told
    assert message == "README.md changed while a command ran, and is put back"
    place = hint.removeprefix("if you changed it: your version lies in ")
    assert (repo / place).read_text() == "formatted, or theirs\n"


def test_what_changed_after_that_is_the_users(repo, tree):
    tree.apply(Edit("README.md", README, "ours\n"))
    tree.expect_changes()
    tree.restore({})
    (repo / "README.md").write_text(THEIRS)
    tree.abandon()
    assert (repo / "README.md").read_text() == THEIRS


def test_a_switched_branch_ends_the_step(repo, tree):
    tree.apply(Edit("README.md", README, "ours\n"))
    run_git(repo, "switch", "-qc", "other")
    with pytest.raises(ChangedMeanwhile, match=r"other was checked out while .* on main"):
        second_write(tree)
    tree.abandon()
    assert run_git(repo, "status", "--porcelain") == ""


def test_a_rewritten_history_ends_the_step(repo, tree):
    (repo / "mine.txt").write_text("mine\n")
    commit_all(repo)
    tree.meanwhile.stand()
    tree.apply(Edit("README.md", README, "ours\n"))
    run_git(repo, "commit", "-q", "--amend", "-m", "amended")
    with pytest.raises(ChangedMeanwhile, match="the history of main was rewritten"):
        second_write(tree)


def test_a_commit_of_other_files_is_told_and_the_work_goes_on(repo, tree, told):
    tree.apply(Edit("README.md", README, "ours\n"))
    (repo / "mine.txt").write_text("mine\n")
    run_git(repo, "add", "mine.txt")
    run_git(repo, "commit", "-qm", "mine")
    second_write(tree)
    assert told == [("1 commit(s) were made on main meanwhile; the work goes on on top", "")]
    assert tree.changed() == ["README.md", "pkg/store.py"]


@pytest.mark.parametrize("go_on", [second_write, Workspace.rollback])
def test_a_file_that_the_user_committed_is_theirs(go_on, repo, tree):
    tree.apply(Edit("README.md", README, "ours\n"))
    run_git(repo, "commit", "-qam", "mine")
    with pytest.raises(ChangedMeanwhile, match=r"^README\.md changed while"):
        go_on(tree)
    tree.abandon()
    assert (repo / "README.md").read_text() == "ours\n"
    assert run_git(repo, "status", "--porcelain") == ""


# -- one agent per tree ---------------------------------------------------------------------------

HOLD = """
import sys
from pathlib import Path
from qwenagent.workspace import tree_lock
with tree_lock(Path(sys.argv[1]), "run plan.md"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(private: Path) -> subprocess.Popen[str]:
    argv = [sys.executable, "-c", HOLD, str(private)]
    pipe = subprocess.PIPE
    child = subprocess.Popen(argv, text=True, encoding="utf-8", stdin=pipe, stdout=pipe)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    return child


def end(child: subprocess.Popen[str]) -> None:
    with child:
        child.kill()


def test_the_second_agent_is_told_who_has_the_tree_and_since_when(tmp_path):
    child = hold(tmp_path)
    try:
        with pytest.raises(TreeBusy) as caught, tree_lock(tmp_path, "task"):
            pass
    finally:
        end(child)
    assert f"process {child.pid}, 'run plan.md'" in caught.value.message
    assert "works on this tree since 20" in caught.value.message
    assert caught.value.hint == f"wait for it to end, or end it: kill {child.pid}"


def test_a_killed_agent_has_the_tree_no_longer(tmp_path):
    child = hold(tmp_path)
    end(child)
    with tree_lock(tmp_path, "task") as before:
        assert before is not None
        assert (before.owner.pid, before.what) == (child.pid, "run plan.md")
        assert not before.owner.is_alive
    with tree_lock(tmp_path, "task") as before:
        assert before is None


def test_one_process_takes_it_several_times(tmp_path):
    with tree_lock(tmp_path, "run"):
        with tree_lock(tmp_path, "within"):
            pass
        assert b'"run"' in (tmp_path / "owner.json").read_bytes()
    assert not (tmp_path / "owner.json").exists()


def test_each_linked_tree_has_its_own(repo, tmp_path):
    other = tmp_path / "other"
    run_git(repo, "worktree", "add", "-q", str(other))
    child = hold(Repository.open(repo).private_folder())
    try:
        with tree_lock(Repository.open(other).private_folder(), "task"):
            pass
    finally:
        end(child)
