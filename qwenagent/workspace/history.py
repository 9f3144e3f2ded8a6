"""Questions about commits: what contains what, what a commit says, what changed between two."""

from __future__ import annotations

from pathlib import Path

from qwenagent.workspace.git import Git
from qwenagent.workspace.revisions import is_branch_name, is_revision, revision


class History:
    """Read-only questions to one repository."""

    def __init__(self, root: Path) -> None:
        self._git = Git(root)

    def head(self) -> str:
        """Return the commit of HEAD, empty if there is none yet."""
        return self._git.ask("rev-parse", "-q", "--verify", "HEAD^{commit}", ok=(0, 1, 128)).strip()

    def first(self) -> str:
        """Return the commit with which HEAD's history begins, empty if there is none yet."""
        if not self.head():
            return ""
        # First parents alone: of a long history all commits take seconds.
        out = self._git.ask("rev-list", "--first-parent", "--max-parents=0", "HEAD", "--")
        return out.strip()

    def tip(self, branch: str) -> str:
        """Return the commit of a local branch, empty if there is no such branch."""
        if not is_branch_name(self._git, branch):
            return ""
        ref = f"refs/heads/{branch}^{{commit}}"
        return self._git.ask("rev-parse", "-q", "--verify", ref, ok=(0, 1, 128)).strip()

    def contains(self, commit: str, tip: str = "HEAD") -> bool:
        """Return whether a commit is `tip` or before it; one that is gone is not."""
        if not is_revision(commit):
            return False
        known = self._git.ask("rev-parse", "-q", "--verify", f"{commit}^{{commit}}", ok=(0, 1, 128))
        if not known:
            return False
        # What `commit` has and `tip` lacks: nothing, if it is contained.
        out = self._git.ask("rev-list", "--max-count=1", commit, "--not", revision(tip))
        return not out.strip()

    def says(self, text: str, tip: str = "HEAD") -> bool:
        """Return whether the message of a commit at or before `tip` has a text in it.

        A squashed or rebased commit has another id, but mostly still the messages of the old ones.
        """
        if "\0" in text:
            return False
        search = ("--fixed-strings", f"--grep={text}", "--max-count=1", "--format=%H")
        return bool(self._git.ask("log", *search, revision(tip), "--").strip())

    def messages(self, old: str, tip: str) -> list[tuple[str, str]]:
        """Return id and message of the commits of `tip` that `old` lacks, the oldest first."""
        if not self.contains(old, tip):
            return []
        out = self._git.ask("log", "--reverse", "-z", "--format=%H%n%B", f"{old}..{tip}", "--")
        found = (entry.partition("\n") for entry in out.split("\0") if entry)
        return [(commit, message) for commit, _, message in found]

    def changed(self, old: str, new: str) -> list[str]:
        """Return the paths in which two commits differ."""
        how = ("-r", "-z", "--no-renames", "--name-only")
        args = ("diff-tree", *how, revision(old), revision(new), "--")
        return [name for name in self._git.ask(*args).split("\0") if name]

    def mode(self, commit: str, path: str) -> str:
        """Return git's mode of a path in a commit: "100644", "120000"; empty if it has none."""
        return self._git.ask("ls-tree", "-z", revision(commit), "--", path).partition(" ")[0]

    def content(self, commit: str, path: str) -> bytes | None:
        """Return a file of a commit as a checkout writes it, None if it has none."""
        if not self.mode(commit, path):
            return None
        text = self._git.run("cat-file", "--filters", f"{commit}:{path}")
        return text.encode("utf-8", "surrogateescape")
