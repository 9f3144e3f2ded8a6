"""Names of commits and branches that come from files: never an option, never anything else."""

from __future__ import annotations

import re

from qwenagent.errors import GitFailed
from qwenagent.workspace.git import Git

# What git-check-ref-format(1) forbids, but for `~`, `^` and `@{`, which lead from a name onwards.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f:?*\[\\]|\.\.")


def is_revision(text: str) -> bool:
    """Return whether a text can only be the name of one commit, tag or tree."""
    return bool(text) and not text.startswith("-") and not _FORBIDDEN.search(text)


def revision(text: str) -> str:
    """Return the text.

    Raises:
        GitFailed: it may be something else than one name.
    """
    if not is_revision(text):
        raise GitFailed(f"{text[:80]!r} is not the name of a commit")
    return text


def is_branch_name(git: Git, name: str) -> bool:
    """Return whether git allows a branch of this name."""
    if not is_revision(name) or name == "@":  # a branch may be called that, but it means HEAD
        return False
    return git.ask("check-ref-format", "--branch", name, ok=(0, 128)) == f"{name}\n"
