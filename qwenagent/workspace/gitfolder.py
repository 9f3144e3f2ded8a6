"""Whether git's folder is that of the tree it stands in, so that every write stays there.

A `.git` that leads elsewhere, or a link inside of it, would make the commits of one repository
change another one, or any file of the user's: git follows links when it writes a log or a message.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from qwenagent.errors import NotARepository
from qwenagent.workspace.git import Git

# Only read, or not by us; the contents of `objects` are named by their hashes.
_NOT_WRITTEN = frozenset(
    {
        *("annex", "branches", "config", "config.worktree", "description", "hooks", "info", "lfs"),
        *("modules", "objects", "remotes", "rr-cache", "svn", "worktrees"),
    }
)


def require_own(root: Path, folder: Path, git: Git) -> None:
    """Check that `folder`, where `git` runs, is in `root`, and that git writes into root's `.git`.

    Raises:
        NotARepository: it is not, or it writes elsewhere.
    """
    inside = any(
        parent.samefile(root) for parent in (folder.absolute(), *folder.absolute().parents)
    )
    if not inside or not (root / ".git").exists():
        raise _tree_elsewhere(folder, root)
    ours, at_root = _folder(git, "--absolute-git-dir"), Git(root)
    if ours != _folder(at_root, "--absolute-git-dir"):
        raise _tree_elsewhere(folder, root)
    common = (root / _folder(at_root, "--git-common-dir")).resolve()
    _require_way_back(root, ours, common, at_root)
    for link in _links(ours, common):
        raise NotARepository(
            f"{link} leads out of git's folder, to {link.resolve()}: git would write there",
            hint="replace the link by what it leads to",
        )


def _tree_elsewhere(folder: Path, root: Path) -> NotARepository:
    return NotARepository(
        f"the repository of {folder} has its tree in {root}",
        hint="unset core.worktree, or run git-aware tools there by hand",
    )


def _folder(git: Git, which: str) -> Path:
    return Path(git.ask("rev-parse", which).removesuffix("\n"))


def _require_way_back(root: Path, ours: Path, common: Path, git: Git) -> None:
    """Check that a git folder which is not `.git` itself names this tree as its own."""
    place = root / ".git"
    if ours != common:  # a linked tree, or it says that it is one
        file = ours / "gitdir"
        named = file.read_text(encoding="utf-8", errors="surrogateescape") if file.is_file() else ""
        if ours.parent != common / "worktrees" or not _same(ours / named.strip(), place):
            raise NotARepository(
                f"{place} leads to {ours}, which does not lead back to it",
                hint="if it is a linked tree that was moved, `git worktree repair` helps",
            )
    elif place.is_symlink() or not _same(place, ours):
        tree = git.ask("config", "core.worktree", ok=(0, 1)).removesuffix("\n")
        if not tree or not _same(ours / tree, root):
            raise NotARepository(
                f"{place} leads to {ours}, which does not say that its tree is here",
                hint=f"if it is: git --git-dir={ours} config core.worktree {root}",
            )


def _same(one: Path, other: Path) -> bool:
    return one.exists() and one.samefile(other)


def _links(ours: Path, common: Path) -> Iterator[Path]:
    """Yield links in what git writes that lead out of git's folders."""
    for top in {ours, common}:
        for folder, names, files in os.walk(top):
            if folder == str(top):
                names[:] = [name for name in names if name not in _NOT_WRITTEN]
                files = [name for name in files if name not in _NOT_WRITTEN]
            for path in (Path(folder, name) for name in (*names, *files)):
                if path.is_symlink() and not _is_below(path, ours, common):
                    yield path


def _is_below(path: Path, *tops: Path) -> bool:
    return any(path.resolve().is_relative_to(top.resolve()) for top in tops)
