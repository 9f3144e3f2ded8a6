"""HEAD and the private refs under `refs/qwenagent/`: where we stand, moving one commit, pruning."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.workspace.git import Git
from qwenagent.workspace.points import Place
from qwenagent.workspace.revisions import is_revision, revision

PREFIX = "refs/qwenagent/"
KEEP_DAYS = 30.0
"""How long a private ref, or a point, is kept: as long as git keeps what its reflog alone holds."""
_KEEP_REFS = 100
"""Private refs that are kept: each holds on to a whole tree, and git gets slow with thousands."""
_YOUNG_S = 86_400.0
"""A ref of less than a day may be that of a run which is under way in another working tree."""


@dataclass(frozen=True, slots=True)
class _Ref:
    name: str
    commit: str
    time: float


class Refs:
    """HEAD and the private refs of one repository. Branches are moved by HEAD alone."""

    def __init__(self, root: Path) -> None:
        self._git = Git(root)

    def place(self) -> Place:
        """Return the branch and the commit of HEAD; empty where there is none."""
        branch = self._git.ask("symbolic-ref", "-q", "HEAD", ok=(0, 1)).strip()
        head = self._git.ask("rev-parse", "-q", "--verify", "HEAD^{commit}", ok=(0, 1, 128))
        return Place(branch, head.strip())

    def parent(self, commit: str) -> str:
        """Return the first parent of a commit, empty if it has none or is not there."""
        if not is_revision(commit):
            return ""
        wanted = f"{commit}^1^{{commit}}"
        return self._git.ask("rev-parse", "-q", "--verify", wanted, ok=(0, 1, 128)).strip()

    def has(self, commit: str) -> bool:
        """Return whether a commit is there."""
        if not is_revision(commit):
            return False
        wanted = f"{commit}^{{commit}}"
        return bool(self._git.ask("rev-parse", "-q", "--verify", wanted, ok=(0, 1, 128)))

    def move_head(self, new: str, old: str, why: str) -> None:
        """Move the branch that is checked out, or a detached HEAD, from one commit to another.

        Index and tree stay as they are.

        Raises:
            GitFailed: it is not at `old` any more.
        """
        self._git.run("update-ref", "-m", why, "HEAD", revision(new), revision(old))

    def keep(self, name: str, commit: str) -> None:
        """Have a private ref hold on to a commit."""
        self._git.run("update-ref", PREFIX + name, revision(commit))

    def drop(self, name: str) -> None:
        """Remove a private ref, if it is there."""
        self._git.run("update-ref", "-d", PREFIX + name)

    def prune(self, keep: Iterable[str] = (), now: float | None = None) -> int:
        """Remove private refs that are old, or more than are kept; return how many.

        `keep` are names, without the prefix, of refs that stay.
        """
        now = time.time() if now is None else now
        stay = {PREFIX + name for name in keep}
        found = sorted(self._all(), key=lambda ref: ref.time, reverse=True)
        free = [ref for ref in found if ref.name not in stay and now - ref.time > _YOUNG_S]
        n_over = max(len(found) - _KEEP_REFS, 0)
        gone = [ref for ref in free if now - ref.time > KEEP_DAYS * 86_400]
        gone += [ref for ref in free[len(free) - n_over :] if ref not in gone]
        if gone:
            lines = "".join(f"delete {ref.name} {ref.commit}\n" for ref in gone)
            self._git.run("update-ref", "--stdin", stdin=lines)
        return len(gone)

    def _all(self) -> list[_Ref]:
        how = "--format=%(objectname) %(committerdate:unix) %(refname)"
        found = []
        for line in self._git.ask("for-each-ref", how, PREFIX).splitlines():
            commit, when, name = line.split(" ", 2)
            found.append(_Ref(name, commit, float(when or 0)))
        return found
