"""Brings paths into an index as they are now, also where a file and a folder changed places.

Knows one index at a time, and nothing of what is committed.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from qwenagent.workspace.git import Git

_UPDATE = ("update-index", "--add", "--remove", "--replace", "-z", "--stdin")


def stage(
    git: Git, root: Path, paths: Collection[str], env: Mapping[str, str] | None = None
) -> None:
    """Make these paths of an index what they are in the tree at `root`.

    Raises:
        GitFailed: git refuses one.
    """
    folders = now_folders(root, paths)
    if folders:  # git would look for a submodule there
        force = ("update-index", "--force-remove", "-z", "--stdin")
        git.run(*force, stdin="".join(f"{path}\0" for path in sorted(folders)), env=env)
    files = [path for path in paths if path not in folders]
    # --replace: a file where there was a folder, or the other way round.
    git.run(*_UPDATE, stdin="".join(f"{path}\0" for path in files), env=env)


def now_folders(root: Path, paths: Collection[str]) -> set[str]:
    """Return those of these paths that are folders now, with others of them inside."""
    above = {parent for path in paths for parent in parents(path)}
    found = above & set(paths)
    return {path for path in found if (root / path).is_dir() and not (root / path).is_symlink()}


def parents(path: str) -> list[str]:
    """Return the folders above a path, the outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:n]) for n in range(1, len(parts))]
