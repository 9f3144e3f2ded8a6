"""Questions about commits, asked of real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.workspace.history import History
from tests.conftest import run_git


def commit(repo: Path, message: str) -> str:
    run_git(repo, "add", "-A")
    run_git(repo, "commit", "-q", "-m", message)
    return run_git(repo, "rev-parse", "HEAD").strip()


@pytest.fixture
def history(repo):
    return History(repo)


def test_the_tip_of_a_branch(repo, history):
    head = run_git(repo, "rev-parse", "HEAD").strip()
    run_git(repo, "tag", "only-a-tag")
    assert (history.tip("main"), history.tip("gone"), history.tip("only-a-tag")) == (head, "", "")


def test_the_head_and_that_there_is_none(repo, history, tmp_path):
    run_git(tmp_path, "init", "-q", "new")
    assert History(tmp_path / "new").head() == ""
    assert history.head() == run_git(repo, "rev-parse", "HEAD").strip()


def test_what_contains_what(repo, history):
    first = run_git(repo, "rev-parse", "HEAD").strip()
    run_git(repo, "switch", "-q", "-c", "side")
    (repo / "a.txt").write_text("a\n")
    second = commit(repo, "second")
    assert history.contains(first)
    assert history.contains(first, second)
    assert not history.contains(second, "main")
    assert not history.contains("0" * 40)
    assert not history.contains("no commit at all")


def test_what_messages_say(repo, history):
    first = run_git(repo, "rev-parse", "HEAD").strip()
    (repo / "a.txt").write_text("a\n")
    second = commit(repo, "second\n\nKey: [a.c]*")
    (repo / "a.txt").write_text("b\n")
    third = commit(repo, "third: größer")
    assert history.says("Key: [a.c]*")  # as it stands, no pattern
    assert not history.says("Key: abc")
    assert not history.says("third", "HEAD~1")
    assert history.messages(first, "HEAD") == [
        (second, "second\n\nKey: [a.c]*\n"),
        (third, "third: größer\n"),
    ]
    assert history.messages("0" * 40, "HEAD") == []
    assert history.messages(third, "HEAD") == []


def test_what_changed_between_two_commits(repo, history):
    (repo / "pkg" / "store.py").rename(repo / "pkg" / "ein laden ü.py")
    (repo / "README.md").chmod(0o755)
    commit(repo, "changes")
    assert history.changed("HEAD~1", "HEAD") == [
        "README.md", "pkg/ein laden ü.py", "pkg/store.py",
    ]  # fmt: skip
    assert history.changed("HEAD", "HEAD") == []


@pytest.mark.parametrize("data", [b"a\r\nb\r\n", b"\xff\x00\xfe", b"", b"no end", b"\xef\xbb\xbfx"])
def test_content_is_what_a_checkout_writes(data, repo, history):
    (repo / "data [1].bin").write_bytes(data)
    commit(repo, "data")
    assert history.content("HEAD", "data [1].bin") == data
    assert history.content("HEAD~1", "data [1].bin") is None


def test_content_has_the_line_ends_of_a_checkout(repo, history):
    (repo / ".gitattributes").write_text("*.txt text eol=crlf\n")
    (repo / "a.txt").write_bytes(b"a\r\nb\r\n")
    commit(repo, "crlf")
    assert history.content("HEAD", "a.txt") == b"a\r\nb\r\n"


def test_modes(repo, history):
    (repo / "run.sh").write_text("true\n")
    (repo / "run.sh").chmod(0o755)
    (repo / "link").symlink_to("run.sh")
    commit(repo, "modes")
    modes = [history.mode("HEAD", name) for name in ("README.md", "run.sh", "link", "gone")]
    assert modes == ["100644", "100755", "120000", ""]
