"""Where git writes, and what a forged index or name makes of it."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from qwenagent.errors import GitFailed, NotARepository
from qwenagent.workspace import Repository
from tests.conftest import run_git
from tests.git_traps import program

REF = "refs/qwenagent/one"

# -- writes that are led elsewhere ---------------------------------------------------------------


@pytest.fixture
def victim(tmp_path):
    """Another repository of the same user."""
    root = tmp_path / "victim"
    root.mkdir()
    (root / "a.py").write_text("a\n")
    run_git(root, "init", "-q", "--template=")
    run_git(root, "add", "-A")
    run_git(root, "commit", "-qm", "start")
    return root


def with_worktree_key(root: Path, victim: Path) -> None:
    run_git(root, "config", "core.worktree", str(victim))


def with_gitdir_file(root: Path, victim: Path) -> None:
    (root / ".git").rename(root.parent / "away")
    (root / ".git").write_text(f"gitdir: {victim}/.git\n")


def with_link(root: Path, victim: Path) -> None:
    (root / ".git").rename(root.parent / "away")
    (root / ".git").symlink_to(victim / ".git")


def with_common_folder(root: Path, victim: Path) -> None:
    (root / ".git" / "commondir").write_text(f"{victim}/.git\n")
    (root / ".git" / "gitdir").write_text(f"{root}/.git\n")


def with_forged_linked_tree(root: Path, victim: Path) -> None:
    run_git(victim, "worktree", "add", "-q", "--detach", str(victim.parent / "linked"))
    (root / ".git").rename(root.parent / "away")
    (root / ".git").write_text(f"gitdir: {victim}/.git/worktrees/linked\n")


def with_linked_file(name: str) -> Callable[[Path, Path], None]:
    def link(root: Path, victim: Path) -> None:
        path = root / ".git" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(victim / "a.py")

    return link


REDIRECTED = {
    "core.worktree": (with_worktree_key, "has its tree in"),
    "a gitdir: file": (with_gitdir_file, "does not say that its tree is here"),
    ".git as a link": (with_link, "does not say that its tree is here"),
    "commondir": (with_common_folder, "does not lead back to it"),
    "a linked tree of another": (with_forged_linked_tree, "does not lead back to it"),
    "the log": (with_linked_file("logs/HEAD"), "leads out of git's folder"),
    "the message": (with_linked_file("COMMIT_EDITMSG"), "leads out of git's folder"),
    "a branch": (with_linked_file("refs/heads/x"), "leads out of git's folder"),
    "our own notes": (with_linked_file("qwenagent"), "leads out of git's folder"),
}


@pytest.mark.parametrize("way", REDIRECTED)
def test_git_that_writes_elsewhere_is_refused(repo, victim, way):
    redirect, said = REDIRECTED[way]
    redirect(repo, victim)
    with pytest.raises(NotARepository, match=said) as caught:
        Repository.open(repo)
    assert caught.value.hint


def test_what_leads_elsewhere_and_says_so_there_is_fine(repo, tmp_path):
    moved = tmp_path / "git folder"
    (repo / ".git").rename(moved)
    (repo / ".git").write_text(f"gitdir: {moved}\n")
    with pytest.raises(NotARepository) as caught:
        Repository.open(repo)
    assert caught.value.hint == f"if it is: git --git-dir={moved} config core.worktree {repo}"
    run_git(repo, "config", "core.worktree", str(repo))
    assert Repository.open(repo / "pkg").root == repo


def test_a_submodule_is_a_repository_of_its_own(repo, tmp_path):
    over = tmp_path / "over"
    run_git(tmp_path, "init", "-q", "--template=", str(over))
    allowed = ("-c", "protocol.file.allow=always")
    run_git(over, *allowed, "submodule", "--quiet", "add", str(repo), "a sub")
    repository = Repository.open(over / "a sub" / "pkg")
    assert repository.root == over / "a sub"
    (repository.root / "README.md").write_text("other\n")
    commit = repository.commit(["README.md"], "x")
    assert run_git(repository.root, "rev-parse", "HEAD").strip() == commit


def test_a_bare_repository_inside_of_the_tree_is_none(repo, tmp_path):
    inner = repo / "docs"
    run_git(repo, "init", "-q", "--bare", str(inner))
    config = inner / "config"
    trap = program(tmp_path / "traps", "fsmonitor")
    config.write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tworktree = .\n"
        f"\tfsmonitor = {trap}\n"
    )
    with pytest.raises(NotARepository, match="in a bare repository"):
        Repository.open(inner)
    assert list((tmp_path / "traps" / "marks").iterdir()) == []


def index_with(name: bytes, blob: str) -> bytes:
    """An index of git's version 2 with one entry."""
    entry = struct.pack(">10I", *([0] * 6), 0o100644, 0, 0, 0) + bytes.fromhex(blob)
    entry += struct.pack(">H", min(len(name), 0xFFF)) + name
    entry += b"\0" * (8 - len(entry) % 8)
    text = b"DIRC" + struct.pack(">II", 2, 1) + entry
    return text + hashlib.sha1(text).digest()


LEADING_OUT = [b"../outside.py", b"/etc/passwd", b".git/hooks/pre-commit", b"a/../../outside.py",
               b"pkg/.GIT/config"]  # fmt: skip


@pytest.mark.parametrize("name", LEADING_OUT)
def test_an_index_with_names_that_lead_out(repo, name):
    (repo.parent / "outside.py").write_text("secret\n")
    forge_index(repo, name)
    repository = Repository.open(repo)
    assert repository.files() == [".gitignore", "README.md", "pkg/store.py"]
    with pytest.raises(GitFailed, match="which leads out of the tree"):
        repository.snapshot(REF, "before")


@pytest.mark.parametrize("name", [b"-f", b"new\nline.py", b"\xff.py", b":(top)*", b"a..b/...c"])
def test_an_index_with_odd_names(repo, name):
    forge_index(repo, name)
    repository = Repository.open(repo)
    assert repository.files() == [".gitignore", "README.md", "pkg/store.py"]
    assert repository.snapshot(REF, "before") == run_git(repo, "rev-parse", REF).strip()


def forge_index(root: Path, name: bytes) -> None:
    blob = run_git(root, "rev-parse", "HEAD:README.md").strip()
    (root / ".git" / "index").write_bytes(index_with(name, blob))
