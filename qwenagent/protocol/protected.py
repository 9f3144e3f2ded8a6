"""Names in a repository that decide what runs, or what is trusted, outside of this program.

One list for all that keeps hands off them. Judges names; looks at no disk.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

GIT_FOLDER = ".git"
PROTECTED_FOLDERS = frozenset(
    {
        GIT_FOLDER, ".qwenagent",
        # CI: runs with the project's secrets once it is pushed.
        ".github", ".gitlab", ".circleci", ".buildkite", ".forgejo", ".gitea", ".woodpecker",
        # Editors and hooks: run on the developer's machine when a folder is opened or committed.
        ".vscode", ".idea", ".vs", ".zed", ".devcontainer", ".husky",
        # Other agents: instructions, and programs that they start.
        ".cursor", ".claude", ".codex", ".gemini", ".qwen", ".windsurf", ".continue", ".roo",
        ".kiro", ".opencode", ".crush", ".agents",
    }
)  # fmt: skip
PROTECTED_FILES = frozenset(
    {
        ".gitmodules", ".gitattributes", ".qwenagent.toml", ".qwenagentignore",
        ".gitlab-ci.yml", ".travis.yml", ".woodpecker.yml", ".pre-commit-config.yaml",
        ".envrc", ".mcp.json", ".cursorrules", ".windsurfrules", ".clinerules",
        ".aider.conf.yml", "opencode.json", "crush.json",
    }
)  # fmt: skip
INSTRUCTION_FILES = frozenset({"AGENTS.md", "CLAUDE.md", "GEMINI.md", "QWEN.md"})
"""Prose that agents obey: read like any text, written only where the user's step names it."""

# What Windows calls a file with a name too long for DOS: six characters, a tilde, a number. Git
# refuses the same (`is_ntfs_dotgit` and `is_ntfs_dot_generic` in its path.c), with the names that
# a full folder makes of .gitmodules and .gitattributes.
_SHORT_NAME = re.compile(r"([^.~]{1,6})~\d{1,6}(?:\.[^.]{0,3})?")
_HASHED_SHORT_NAMES = frozenset({"gi7eba", "gi7d29"})


def is_protected(path: str) -> bool:
    """Return whether a path belongs to git, an editor, CI or an agent, at any depth."""
    parts = [as_stored(part) for part in PurePosixPath(path).parts]
    return any(_is(part, _FOLDERS) for part in parts) or any(
        _is(part, _FILES) for part in parts[-1:]
    )


def is_gits_own(name: str) -> bool:
    """Return whether some file system takes a name for that of git's folder."""
    return _is(as_stored(name), frozenset({GIT_FOLDER}))


def is_instruction(path: str) -> bool:
    """Return whether a file holds what agents are told to do in this repository."""
    return as_stored(PurePosixPath(path).name) in _INSTRUCTIONS


def as_stored(name: str) -> str:
    """Return a name as a file system that ignores case and invisible characters finds it.

    HFS+ ignores format characters (U+200C, say); NTFS ignores blanks and dots at the end, and has
    more behind a colon.
    """
    visible = "".join(c for c in name if unicodedata.category(c) != "Cf")
    head, colon, _ = visible.partition(":")
    return (head if colon and head else visible).casefold().rstrip(". ")


def _is(stored: str, names: frozenset[str]) -> bool:
    short = _SHORT_NAME.fullmatch(stored)
    if short is None:
        return stored in names
    return short[1] in _HASHED_SHORT_NAMES or any(_first_six(n) == short[1] for n in names)


def _first_six(name: str) -> str:
    return name.lstrip(".").partition(".")[0][:6]


_FOLDERS = frozenset(map(as_stored, PROTECTED_FOLDERS))
_FILES = frozenset(map(as_stored, PROTECTED_FILES))
_INSTRUCTIONS = frozenset(map(as_stored, INSTRUCTION_FILES))
