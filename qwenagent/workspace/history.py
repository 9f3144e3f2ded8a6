"""Questions about commits: what contains what, what a commit says, what changed between two."""

from __future__ import annotations

from pathlib import Path

from qwenagent.workspace.command import Git


class History:
    """Read-only questions to one repository."""

    def __init__(self, root: Path) -> None:
        self._git = Git(root)

    def tip(self, branch: str) -> str:
        """Return the commit of a local branch, empty if there is no such branch."""
        ref = f"refs/heads/{branch}^{{commit}}"
        return self._git.run("rev-parse", "-q", "--verify", ref, ok=(0, 1, 128)).strip()

    def contains(self, commit: str, tip: str = "HEAD") -> bool:
        """Return whether a commit is `tip` or before it; one that is gone is not."""
        known = self._git.run("rev-parse", "-q", "--verify", f"{commit}^{{commit}}", ok=(0, 1, 128))
        if not known:
            return False
        # What `commit` has and `tip` lacks: nothing, if it is contained.
        out = self._git.run("rev-list", "--max-count=1", commit, "--not", tip)
        return not out.strip()

    def says(self, text: str, tip: str = "HEAD") -> bool:
        """Return whether the message of a commit at or before `tip` has a text in it.

        A squashed or rebased commit has another id, but mostly still the messages of the old ones.
        """
        search = ("--fixed-strings", f"--grep={text}", "--max-count=1", "--format=%H")
        return bool(self._git.run("log", *search, tip, "--").strip())

    def messages(self, old: str, tip: str) -> list[tuple[str, str]]:
        """Return id and message of the commits of `tip` that `old` lacks, the oldest first."""
        if not self.contains(old, tip):
            return []
        out = self._git.run("log", "--reverse", "-z", "--format=%H%n%B", f"{old}..{tip}", "--")
        found = (entry.partition("\n") for entry in out.split("\0") if entry)
        return [(commit, message) for commit, _, message in found]

    def changed(self, old: str, new: str) -> list[str]:
        """Return the paths in which two commits differ."""
        args = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", old, new, "--")
        return [name for name in self._git.run(*args).split("\0") if name]

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit as a checkout writes it, None if it has none."""
        listed = self._git.run("ls-tree", "-z", commit, "--", path)
        if not listed:
            return None
        text = self._git.run("cat-file", "--filters", f"{commit}:{path}")
        return text.encode("utf-8", "surrogateescape")
