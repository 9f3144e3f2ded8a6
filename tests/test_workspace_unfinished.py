"""Pre-images on disk: what a process that is gone has left half done is put back, and only that."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from qwenagent.cli.wiring import open_repository
from qwenagent.errors import GitFailed, WorkspaceError
from qwenagent.workspace import Edit, Recovered, Repository, Workspace, recover
from tests.conftest import run_git

README = "# Sample\n"


@pytest.fixture(scope="module")
def dead_pid() -> int:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.fixture
def tree(repo: Path) -> Workspace:
    return Workspace(Repository.open(repo))


def notes(repo: Path) -> list[Path]:
    return sorted((repo / ".git" / "qwenagent" / "unfinished").glob("*"))


def bury(repo: Path, pid: int) -> None:
    """Make every note that of a process that is gone."""
    for place in notes(repo):
        note = msgspec.json.decode(place.read_bytes())
        note["owner"]["pid"] = pid
        place.write_bytes(msgspec.json.encode(note))


def test_edits_of_a_dead_process_are_put_back(repo, tree, dead_pid):
    (repo / "README.md").chmod(0o755)
    run_git(repo, "commit", "-qam", "mode")
    tree.apply(Edit("README.md", README, "one\n"))
    tree.apply(Edit("README.md", "one\n", "two\n"))
    tree.apply(Edit("deep/er/größe b.py", None, "new\n"))
    bury(repo, dead_pid)
    found = recover(Repository.open(repo))
    assert found is not None
    assert set(found.restored) == {"README.md", "deep/er/größe b.py"}
    assert found.kept == ()
    assert (repo / "README.md").read_text() == README
    assert (repo / "README.md").stat().st_mode & 0o100
    assert not (repo / "deep").exists()
    assert notes(repo) == []
    assert recover(Repository.open(repo)) is None


def test_a_living_process_is_left_alone(repo, tree):
    tree.apply(Edit("README.md", README, "one\n"))
    assert recover(Repository.open(repo)) is None
    assert (repo / "README.md").read_text() == "one\n"
    tree.rollback()
    assert notes(repo) == []


@pytest.mark.parametrize("text", ["theirs\n", None])
def test_what_somebody_else_has_written_since_stays(text, repo, tree, dead_pid):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    if text is None:
        (repo / "README.md").unlink()
    else:
        (repo / "README.md").write_text(text)
    assert recover(Repository.open(repo)) == Recovered(kept=("README.md",))
    assert (repo / "README.md").exists() == (text is not None)


def test_a_link_in_its_place_is_not_written_through(repo, tree, dead_pid, tmp_path):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    outside = tmp_path / "outside.txt"
    outside.write_text("one\n")
    (repo / "README.md").unlink()
    (repo / "README.md").symlink_to(outside)
    assert recover(Repository.open(repo)) == Recovered(kept=("README.md",))
    assert outside.read_text() == "one\n"


def test_what_was_committed_meanwhile_stays(repo, tree, dead_pid):
    tree.apply(Edit("README.md", README, "one\n"))
    tree.repository.commit(["README.md"], "kept")
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) is None
    assert (repo / "README.md").read_text() == "one\n"


def test_what_was_committed_meanwhile_stays_in_a_copy_of_the_tree(repo, tree, dead_pid, tmp_path):
    """Its files have other times than the index says."""
    tree.apply(Edit("README.md", README, "one\n"))
    tree.repository.commit(["README.md"], "kept")
    bury(repo, dead_pid)
    copy = shutil.copytree(repo, tmp_path / "copy", copy_function=shutil.copyfile)
    assert recover(Repository.open(copy)) is None
    assert (copy / "README.md").read_text() == "one\n"


def test_a_file_is_as_committed_by_content_and_mode(repo):
    repository = Repository.open(repo)
    readme = repo / "README.md"
    os.utime(readme, (1, 1))
    assert repository.is_as_committed("README.md")
    readme.chmod(0o755)
    assert not repository.is_as_committed("README.md")
    run_git(repo, "config", "core.fileMode", "false")
    assert repository.is_as_committed("README.md")
    readme.write_text("mine\n")
    assert not repository.is_as_committed("README.md")
    readme.unlink()
    assert not repository.is_as_committed("README.md")
    assert not repository.is_as_committed("nothing")


def test_a_mode_that_a_command_gave_is_taken_back(repo, tree, dead_pid):
    (repo / "README.md").chmod(0o755)
    tree.adopt("README.md", README.encode())
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert not (repo / "README.md").stat().st_mode & 0o111


def test_what_a_commit_that_failed_has_staged_is_unstaged(repo, tree, dead_pid, monkeypatch):
    """At once; or at the next start, where the index cannot be written now."""
    (repo / "theirs.txt").write_text("theirs\n")
    run_git(repo, "add", "theirs.txt")
    status = run_git(repo, "status", "--porcelain")
    for is_full in (False, True):
        tree.apply(Edit("README.md", README, "one\n"))
        tree.apply(Edit("new.py", None, "new\n"))

        def failing(*_: object, is_full: bool = is_full) -> None:
            if is_full:
                (repo / ".git/index.lock").touch()
            raise GitFailed("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(tree.repository, "_commit", failing)
            with pytest.raises(GitFailed, match="the disk is full"):
                tree.repository.commit(["README.md", "new.py"], "kept")
        tree.abandon()
        assert (run_git(repo, "status", "--porcelain") == status) == (not is_full)
        assert (notes(repo) != []) == is_full
    (repo / ".git/index.lock").unlink()
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) is None
    assert run_git(repo, "status", "--porcelain") == status


def test_a_commit_after_which_git_failed_is_made(repo, tree, monkeypatch):
    """Git says so where it cannot write its new index."""
    real = tree.repository._commit

    def failing(*args: object) -> None:
        real(*args)
        raise GitFailed("repository has been updated, but unable to write new index file")

    tree.apply(Edit("README.md", README, "one\n"))
    monkeypatch.setattr(tree.repository, "_commit", failing)
    commit = tree.repository.commit(["README.md"], "kept")
    assert run_git(repo, "log", "-1", "--format=%H %s") == f"{commit} kept\n"
    assert run_git(repo, "status", "--porcelain") == ""


def test_an_uncommitted_change_of_the_users_comes_back_even_over_what_is_committed(
    repo, tree, dead_pid
):
    (repo / "README.md").write_text("mine\n")
    tree.apply(Edit("README.md", "mine\n", README))
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert (repo / "README.md").read_text() == "mine\n"


def test_what_was_staged_for_a_commit_is_unstaged_and_the_users_index_stays(repo, tree, dead_pid):
    (repo / "theirs.txt").write_text("theirs\n")
    run_git(repo, "add", "theirs.txt")
    tree.apply(Edit("README.md", README, "one\n"))
    tree.apply(Edit("new.py", None, "new\n"))
    run_git(repo, "add", "README.md", "new.py")
    bury(repo, dead_pid)
    recover(Repository.open(repo))
    assert run_git(repo, "status", "--porcelain") == "A  theirs.txt\n"


def test_what_is_known_to_be_done_stays(repo, tree, dead_pid):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    done = {("README.md", hashlib.sha256(b"one\n").hexdigest())}
    assert recover(Repository.open(repo), lambda: done) is None
    assert (repo / "README.md").read_text() == "one\n"


def test_a_grounded_file_is_put_back_too(repo, tree, dead_pid):
    tree.apply(Edit("test_x.py", None, "x\n"))
    tree.ground()
    tree.apply(Edit("README.md", README, "one\n"))
    assert tree.rollback() == ["README.md"]
    assert (repo / "test_x.py").read_text() == "x\n"
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) == Recovered(restored=("test_x.py",))
    assert run_git(repo, "status", "--porcelain") == ""


def test_abandoning_goes_below_the_ground_and_leaves_no_note(repo, tree):
    tree.apply(Edit("deep/test_x.py", None, "x\n"))
    tree.ground()
    tree.apply(Edit("deep/test_x.py", "x\n", "y\n"))
    assert tree.abandon() == ["deep/test_x.py", "deep/test_x.py"]
    assert not (repo / "deep").exists()
    assert notes(repo) == []


def test_settling_leaves_no_note_of_what_was_grounded(repo, tree):
    tree.apply(Edit("test_x.py", None, "x\n"))
    tree.ground()
    tree.settle()
    assert notes(repo) == []
    assert tree.abandon() == []
    assert tree.written() == ([], ["test_x.py"])


def test_an_adopted_change_is_put_back(repo, tree, dead_pid):
    (repo / "README.md").write_text("by a command\n")
    tree.adopt("README.md", README.encode())
    bury(repo, dead_pid)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert (repo / "README.md").read_text() == README


def test_a_command_that_was_running_is_told(repo, tree, dead_pid):
    before = tree.repository.snapshot("refs/qwenagent/x", "before")
    tree.command_begins("make all", before)
    bury(repo, dead_pid)
    (repo / "README.md").write_text("by whom?\n")
    assert recover(Repository.open(repo)) == Recovered(
        command="make all", snapshot=before, differ=("README.md",)
    )
    assert (repo / "README.md").read_text() == "by whom?\n"
    assert recover(Repository.open(repo)) is None


def test_a_half_written_file_is_removed_and_others_like_it_are_not(repo, tree, dead_pid):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    for name in (".qwenagent-a1b2_3c4", ".qwenagent-mine.txt"):
        (repo / name).write_text("x\n")
    recover(Repository.open(repo))
    assert run_git(repo, "status", "--porcelain") == "?? .qwenagent-mine.txt\n"


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"])
def test_a_torn_note_is_no_obstacle(data, repo, tree, dead_pid):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    notes(repo)[0].with_name("00.note").write_bytes(data)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert notes(repo) == []


def test_the_command_line_puts_back_and_tells(repo, tree, dead_pid, monkeypatch, capsys):
    tree.apply(Edit("README.md", README, "one\n"))
    bury(repo, dead_pid)
    monkeypatch.chdir(repo / "pkg")
    with open_repository() as repository:
        repository.require_clean()
    out, err = capsys.readouterr()
    assert (out, err) == (
        "",
        "warning: an earlier run was killed: "
        "1 file(s) are as they were before its unfinished step: README.md\n",
    )


def test_notes_of_a_linked_tree_are_its_own(repo, tmp_path, dead_pid):
    other = tmp_path / "other"
    run_git(repo, "worktree", "add", "-q", str(other))
    tree = Workspace(Repository.open(other))
    tree.apply(Edit("README.md", README, "one\n"))
    assert notes(repo) == []
    [place] = (repo / ".git/worktrees/other/qwenagent/unfinished").iterdir()
    note = msgspec.json.decode(place.read_bytes())
    note["owner"]["pid"] = dead_pid
    place.write_bytes(msgspec.json.encode(note))
    assert recover(Repository.open(other)) == Recovered(restored=("README.md",))


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_what_cannot_be_put_back_is_told_and_tried_again(repo, tree, dead_pid):
    tree.apply(Edit("pkg/store.py", tree.text("pkg/store.py"), "one\n"))
    bury(repo, dead_pid)
    (repo / "pkg").chmod(0o500)
    with pytest.raises(WorkspaceError, match=r"pkg/store\.py cannot be put back"):
        recover(Repository.open(repo))
    (repo / "pkg").chmod(0o700)
    assert recover(Repository.open(repo)) == Recovered(restored=("pkg/store.py",))


# -- notes that somebody else has written --------------------------------------------------------


def forged(root: Path, name: str, **changes: object) -> Path:
    """A note as one of ours, with changes, of a process that does not live."""
    path, text = root / "README.md", (root / "README.md").read_bytes()
    note = {
        "owner": {"pid": 2**22 + 1, "started": 1.0},
        "path": path.relative_to(root).as_posix(),
        "head": run_git(root, "rev-parse", "HEAD").strip(),
        "before": base64.b64encode(b"before\n").decode(),
        "mode": 0o644,
        "written": [hashlib.sha256(text).hexdigest()],
    }
    folder = root / ".git" / "qwenagent" / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.note").write_text(json.dumps(note | changes), encoding="utf-8")
    return folder


def test_a_forged_note_that_is_like_ours_is_carried_out(repo):
    forged(repo, "a", mode=0o4755)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert (repo / "README.md").read_bytes() == b"before\n"
    assert (repo / "README.md").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize(
    "changes",
    [
        {"owner": {"pid": -1, "started": 1.0}},
        {"owner": {"pid": 2**40, "started": 1.0}},
        {"mode": -1},
        {"mode": 2**40},
        {"before": "*no base64*"},
        {"before": 3},
        {"path": None},
    ],
)
def test_a_note_that_makes_no_sense_is_none(repo, changes):
    folder = forged(repo, "a", **changes)
    assert recover(Repository.open(repo)) is None
    assert (repo / "README.md").read_text() == "# Sample\n"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("path", ["../outside.py", "/etc/passwd", ".git/config", "a\0b", ""])
def test_a_note_about_what_is_not_in_the_tree_is_left_alone(repo, path):
    (repo.parent / "outside.py").write_text("mine\n")
    written = [hashlib.sha256(b"mine\n").hexdigest()]
    forged(repo, "a", path=path, written=written)
    assert recover(Repository.open(repo)) == Recovered(kept=(path,))
    assert (repo.parent / "outside.py").read_text() == "mine\n"


def test_a_note_removes_no_folder_but_those_above_its_file(repo, tmp_path):
    for folder in (tmp_path / "empty", repo / "pkg" / "empty"):
        folder.mkdir()
    folders = [str(tmp_path / "empty"), "../empty", "pkg/empty"]
    forged(repo, "a", before=None, folders=folders)
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
    assert not (repo / "README.md").exists()
    assert (tmp_path / "empty").is_dir()
    assert (repo / "pkg" / "empty").is_dir()


@pytest.mark.parametrize("snapshot", ["--output=made", "HEAD:README.md", "", "0" * 40])
def test_a_command_with_a_snapshot_that_is_none(repo, snapshot):
    folder = forged(repo, "a", owner={"pid": -1, "started": 1.0})
    command = {"owner": {"pid": 2**22 + 1, "started": 1.0}, "shown": "x", "snapshot": snapshot}
    (folder / "command").write_text(json.dumps(command), encoding="utf-8")
    assert recover(Repository.open(repo)) is None
    assert not (repo / "made").exists()


def test_what_is_no_note_does_not_stop_anything(repo):
    folder = forged(repo, "a")
    os.mkfifo(folder / "b.note")
    (folder / "c.note").mkdir()
    assert recover(Repository.open(repo)) == Recovered(restored=("README.md",))
