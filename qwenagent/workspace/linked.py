"""Working trees beside the repository, each on a branch of its own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import WorkspaceError
from qwenagent.workspace.git import Git
from qwenagent.workspace.repository import Repository

_PREFIX = "qwenagent-"


@dataclass(frozen=True, slots=True)
class LinkedTree:
    """A working tree that shares its commits and branches with the repository."""

    folder: Path
    branch: str
    """Empty where HEAD is detached."""
    is_new: bool


def linked_tree(repository: Repository, name: str) -> LinkedTree:
    """Return the tree for `name`, made at HEAD if there is none, as `../<repository>-<name>`.

    The repository's own tree, index and branch stay as they are. What git ignores or does not know
    is not in the new one.

    Raises:
        WorkspaceError: something else is in its place.
        GitFailed: git cannot make it.
    """
    root = repository.root
    folder = root.resolve().with_name(f"{root.resolve().name}-{name}")
    git = Git(root)
    for tree in _listed(git):
        if tree.folder == folder and folder.is_dir():
            return tree
    if folder.exists():
        raise WorkspaceError(
            f"{folder} is in the place of the working tree for {name}",
            hint="move it away, or give the plan's file another name",
        )
    branch = repository.free_branch(f"{_PREFIX}{name}")
    git.run("worktree", "add", "-q", "-b", branch, str(folder), "HEAD")
    return LinkedTree(folder, branch, is_new=True)


def _listed(git: Git) -> list[LinkedTree]:
    found = []
    for entry in git.ask("worktree", "list", "--porcelain").split("\n\n"):
        said = dict(line.partition(" ")[::2] for line in entry.splitlines())
        if "worktree" in said:
            branch = said.get("branch", "").removeprefix("refs/heads/")
            found.append(LinkedTree(Path(said["worktree"]), branch, is_new=False))
    return found
