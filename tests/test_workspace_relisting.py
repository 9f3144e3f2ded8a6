"""When the files are listed anew, and when what was listed still holds."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.workspace import Edit, Repository, Workspace
from qwenagent.workspace.listing import Index, Listing
from tests.conftest import run_git
from tests.listing_stage import FIRST, open_tree, put


def settled(tree: Workspace) -> Workspace:
    """Make everything look old enough that its times tell of every change; list it."""
    for folder, _, names in os.walk(tree.root):
        for path in (Path(folder), *(Path(folder, name) for name in names)):
            os.utime(path, (1_700_000_000, 1_700_000_000), follow_symlinks=False)
    tree.files()
    assert tree._listing is not None
    assert tree._listing.is_current()
    return tree


def new_file(root: Path) -> None:
    put(root, "pkg/new.py")


def new_file_in_a_new_folder(root: Path) -> None:
    put(root, "a/b/new.py")


def new_file_in_an_empty_folder(root: Path) -> None:
    put(root, "empty/new.py")


def removed_file(root: Path) -> None:
    (root / "pkg/store.py").unlink()


def renamed_folder(root: Path) -> None:
    (root / "pkg").rename(root / "package")


def ignored_by_git(root: Path) -> None:
    (root / ".gitignore").write_text("README.md\nloose.py\n")


def ignored_by_us(root: Path) -> None:
    put(root, ".qwenagentignore", "README.md\n")


def excluded(root: Path) -> None:
    put(root, ".git/info/exclude", "loose.py\n")


def skipped(root: Path) -> None:
    run_git(root, "update-index", "--skip-worktree", "README.md")


@pytest.mark.parametrize(
    "change",
    [new_file, new_file_in_a_new_folder, new_file_in_an_empty_folder, removed_file, renamed_folder,
     ignored_by_git, ignored_by_us, excluded, skipped],
)  # fmt: skip
def test_a_change_by_somebody_else_is_seen(repo, change):
    put(repo, "loose.py")
    (repo / "empty").mkdir()
    tree = settled(open_tree(repo))
    before = tree.files()
    change(repo)
    assert tree.files() == Repository.open(repo).files() != before


def test_a_listing_is_kept_while_nothing_changes(repo):
    tree = settled(open_tree(repo))
    listing = tree._listing
    put(repo, "README.md", "another content\n")
    os.utime(repo, (1_700_000_000, 1_700_000_000))
    tree.files()
    assert tree._listing is listing
    tree.files().clear()
    assert tree.files() == FIRST
    tree.refresh()
    assert tree.files() == FIRST
    assert tree._listing is not listing


@pytest.mark.parametrize(
    ("changed_ns", "age_ms", "current"),
    [
        (1_700_000_000_123_456_789, 49, False),
        (1_700_000_000_123_456_789, 51, True),
        (1_700_000_000_000_000_000, 1_999, False),
        (1_700_000_000_000_000_000, 2_001, True),
        (1_700_000_000_123_456_789, -5, False),
    ],
)
def test_a_listing_of_what_had_just_changed_is_not_trusted(tmp_path, changed_ns, age_ms, current):
    os.utime(tmp_path, ns=(changed_ns, changed_ns))
    watched = {str(tmp_path): changed_ns}
    listing = Listing({}, Index(), watched, changed_ns + age_ms * 1_000_000)
    assert listing.is_current() is current


def test_our_own_writes_and_the_way_back_are_seen(repo):
    tree = settled(open_tree(repo))
    tree.apply(Edit("new/a.py", None, "x\n"))
    assert tree.files() == [*FIRST[:2], "new/a.py", FIRST[2]]
    tree.rollback()
    assert tree.files() == FIRST
