"""Three-way merges of texts, by git's own rules."""

from __future__ import annotations

import tempfile
from pathlib import Path

from qwenagent.errors import GitFailed
from qwenagent.workspace.git import Git


def merged(git: Git, base: str, ours: str, theirs: str) -> str | None:
    """Return what comes of two changed forms of `base`, None where git does not merge them."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            names = [Path(folder) / name for name in ("theirs", "base", "ours")]
            for name, text in zip(names, (theirs, base, ours), strict=True):
                name.write_bytes(text.encode("utf-8"))
            return git.ask("merge-file", "-p", "-q", *map(str, names))
    except (GitFailed, OSError, UnicodeEncodeError):  # a conflict is a failure to git
        return None
