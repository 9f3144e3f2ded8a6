"""Which names patterns as in .gitignore mean to git, whether such files are there or not."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from qwenagent.workspace.git import Git


def named_by(git: Git, rules: str, names: Iterable[str]) -> set[str]:
    """Return those of `names` that patterns mean.

    `rules` is the option of `git ls-files` that says where the patterns are. Git applies one kind
    of them to an index at a time, so the names get an index of their own.

    Raises:
        GitFailed: git cannot read the patterns, or takes one of the names for none.
    """
    with tempfile.TemporaryDirectory() as folder:
        env = {"GIT_INDEX_FILE": str(Path(folder) / "index")}
        empty = git.ask("hash-object", "--stdin").strip()
        entries = "".join(f"100644 {empty} 0\t{name}\0" for name in names)
        git.run("update-index", "-z", "--index-info", stdin=entries, env=env)
        out = git.ask("ls-files", "-z", "--cached", "--ignored", rules, env=env)
    return set(filter(None, out.split("\0")))
