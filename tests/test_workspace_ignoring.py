"""What `.qwenagentignore` hides: neither listed, nor read, nor written."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused
from qwenagent.workspace import Edit
from tests.listing_stage import commit, open_tree, put, refused


@pytest.fixture
def hiding(repo: Path) -> Path:
    """Tracked and untracked files that ignore files at two depths name."""
    put(repo, ".qwenagentignore", "*.csv\n/secrets/\n!keep.csv\n")
    put(repo, "pkg/.qwenagentignore", "local.py\n")
    for name in ("a.csv", "keep.csv", "secrets/key.py", "pkg/local.py", "local.py"):
        put(repo, name)
    commit(repo)
    put(repo, "pkg/untracked.csv")
    put(repo, "note.log")
    return repo


HIDDEN = ["a.csv", "secrets/key.py", "pkg/local.py", "pkg/untracked.csv"]


def test_what_qwenagentignore_names_is_not_listed(hiding):
    assert open_tree(hiding).files() == [
        ".gitignore", ".qwenagentignore", "README.md", "keep.csv", "local.py",
        "pkg/.qwenagentignore", "pkg/store.py",
    ]  # fmt: skip


@pytest.mark.parametrize("path", [*HIDDEN, "./a.csv", "new.csv", "secrets/deep/new.py"])
def test_what_qwenagentignore_names_is_neither_read_nor_written(hiding, path):
    tree = open_tree(hiding)
    assert refused(tree, path, "x\n") == f"{path.removeprefix('./')} is named in .qwenagentignore"
    with pytest.raises(EditRefused, match=r"is named in \.qwenagentignore"):
        tree.read(path)
    assert tree.text(path) is None


def test_what_both_ignore_files_name_is_hidden_too(hiding):
    put(hiding, ".qwenagentignore", "*.log\n")
    tree = open_tree(hiding)
    with pytest.raises(EditRefused, match=r"is named in \.qwenagentignore"):
        tree.read("note.log")


def test_the_ignore_file_itself_is_not_for_the_agent(hiding):
    assert "belongs to git, an editor or CI" in refused(open_tree(hiding), ".qwenagentignore")


def test_other_files_are_read_and_written_beside_an_ignore_file(hiding):
    tree = open_tree(hiding)
    tree.apply(Edit("keep.csv", "x\n", "y\n"))
    tree.apply(Edit("pkg/new.py", None, "y\n"))
    assert tree.changed() == ["keep.csv", "pkg/new.py"]
