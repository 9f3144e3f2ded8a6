"""Trees whose files are listed: opened, written to, committed, and what is refused in them."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.errors import EditRefused, PathEscapes
from qwenagent.workspace import Edit, Repository, Workspace
from tests.conftest import run_git

FIRST = [".gitignore", "README.md", "pkg/store.py"]


def open_tree(root: Path) -> Workspace:
    return Workspace(Repository.open(root))


def put(root: Path, name: str, text: str = "x\n") -> Path:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def commit(root: Path) -> None:
    run_git(root, "add", "-A")
    run_git(root, "commit", "-qm", "more")


def refused(tree: Workspace, path: str, old: str | None = None) -> str:
    """Why a path is not written; the same must hold for reading, if it is there."""
    with pytest.raises((EditRefused, PathEscapes)) as caught:
        tree.apply(Edit(path, old, "new\n"))
    assert tree.why_not_written(path) == caught.value.message
    return caught.value.message
