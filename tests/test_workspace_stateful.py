"""User and agent at once, in any order, with crashes: the user's bytes are never lost."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from qwenagent.errors import EditRefused, WorkspaceError
from qwenagent.workspace import (
    About,
    ChangedMeanwhile,
    Edit,
    Repository,
    Turning,
    Workspace,
    recover,
)
from qwenagent.workspace.lock import Owner
from tests.conftest import GIT_ENVIRONMENT, run_git

NAMES = st.sampled_from(["a.py", "sub/b.py"])
N_EXAMPLES, N_STEPS = 60, 15
"""Some ten calls of git for each step: as many as end in 20 s on a free core."""


class UserAndAgent(RuleBasedStateMachine):
    """The user's own texts are all different, so that each can be told in the tree, or in git."""

    def __init__(self) -> None:
        super().__init__()
        self._patch = pytest.MonkeyPatch()
        self._top = Path(tempfile.mkdtemp())
        self._n = 0
        self.theirs: dict[str, str | None] = {}
        """What the user was the last to do to each file."""
        self._in_journal: dict[str, str] = {}
        """Texts of the user's that the agent has written over and not kept."""

    @initialize()
    def start(self) -> None:
        for name, value in GIT_ENVIRONMENT.items():
            self._patch.setenv(name, value)
        self.root = self._top / "repo"
        self.root.mkdir()
        run_git(self.root, "init", "-q", "-b", "main", "--template=")
        (self.root / "a.py").write_text("first\n")
        run_git(self.root, "add", ".")
        run_git(self.root, "commit", "-q", "-m", "first")
        self._open()

    def _open(self) -> None:
        self.tree = Workspace(Repository.open(self.root))
        self.tree.meanwhile.stand()

    def teardown(self) -> None:
        self._patch.undo()
        shutil.rmtree(self._top)

    def _text(self, who: str) -> str:
        self._n += 1
        return f"{who} {self._n}\n"

    # -- the user -------------------------------------------------------------------------------

    @rule(name=NAMES)
    def user_edits(self, name: str) -> None:
        text = self._text("user")
        (self.root / name).parent.mkdir(exist_ok=True)
        (self.root / name).write_text(text)
        self.theirs[name] = text

    @rule(name=NAMES)
    def user_deletes(self, name: str) -> None:
        if (self.root / name).exists():
            (self.root / name).unlink()
            self.theirs[name] = None

    @precondition(lambda self: self.tree.journal.images)
    @rule(delete=st.booleans(), data=st.data())
    def user_changes_what_the_agent_wrote(self, delete: bool, data: st.DataObject) -> None:
        names = sorted(path.relative_to(self.root).as_posix() for path in self.tree.journal.images)
        name = data.draw(st.sampled_from(names))
        self.user_deletes(name) if delete else self.user_edits(name)

    @rule()
    def user_commits(self) -> None:
        run_git(self.root, "add", "-A")
        run_git(self.root, "commit", "-q", "--allow-empty", "-m", self._text("user"))
        # What was committed is safe, whatever becomes of the tree.
        self.theirs.clear()

    @rule()
    def user_switches(self) -> None:
        run_git(self.root, "switch", "-q", "-c", f"branch-{self._n}-{len(self.theirs)}-x")
        self._n += 1

    # -- the agent ------------------------------------------------------------------------------

    @rule(name=NAMES, delete=st.booleans())
    def agent_edits(self, name: str, delete: bool) -> None:
        old = self.tree.text(name)
        new = None if delete and old is not None else self._text("agent")
        before = self.theirs.get(name, "")
        try:
            self.tree.apply(Edit(name, old, new))
        except (EditRefused, ChangedMeanwhile):
            self._give_up()
            return
        # Written on top of what the user had: that is in the journal now.
        self.theirs.pop(name, None)
        if before:
            self._in_journal[name] = before

    @rule()
    def agent_gives_up(self) -> None:
        self._give_up()

    def _give_up(self) -> None:
        self.tree.abandon()
        self._put_back()
        self._open()

    def _put_back(self) -> None:
        """The user's texts that the agent had written over are in the tree, or lie aside."""
        for text in self._in_journal.values():
            assert self._is_somewhere(text), text
        self._in_journal.clear()

    @rule(commit=st.booleans())
    def agent_keeps(self, commit: bool) -> None:
        about = About(self._text("step"), "step" if commit else "task")
        try:
            self.tree.meanwhile.require_place()
        except ChangedMeanwhile:
            self._give_up()
            return
        self.tree.intend(about)
        made = ""
        if commit and (changed := self.tree.changed()):
            made = self.tree.repository.commit(changed, about.title)
        self.tree.settle(about, made)
        self._in_journal.clear()  # it is in the point, from where undo brings it

    @rule()
    def agent_is_killed(self) -> None:
        folder = self.tree.repository.private_folder() / "unfinished"
        dead = Owner(2**22 + 1, 1.0)
        for place in folder.glob("*"):
            here = f'"pid":{os.getpid()}'.encode()
            place.write_bytes(place.read_bytes().replace(here, f'"pid":{dead.pid}'.encode()))
        recover(Repository.open(self.root))
        self._put_back()
        self._open()

    @precondition(lambda self: not self.tree.journal.images)
    @rule(back=st.booleans())
    def turns(self, back: bool) -> None:
        turning = Turning(self.tree.repository)
        try:
            turned = turning.undo() if back else turning.redo()
        except WorkspaceError:
            return
        changes = {c.path: c for c in turning._points.changes(turned.point)}
        for path in turned.paths:
            change = changes[path]
            wanted = change.before if back else change.after
            assert self.tree.journal.present(self.root / path) == wanted.data
            self.theirs.pop(path, None)
        self._open()

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def what_the_user_did_last_is_there(self) -> None:
        for name, text in self.theirs.items():
            path = self.root / name
            now = path.read_text() if path.exists() else None
            assert now == text, (name, now, text)

    @invariant()
    def git_is_whole(self) -> None:
        if hasattr(self, "root"):
            assert run_git(self.root, "stash", "list") == ""
            assert not (self.root / ".git/index.lock").exists()

    def _is_somewhere(self, text: str) -> bool:
        digest = hashlib.sha256(text.encode()).digest()
        found = (path for path in self.root.rglob("*") if path.is_file())
        if any(hashlib.sha256(p.read_bytes()).digest() == digest for p in found if _ours(p)):
            return True
        return text in run_git(self.root, "log", "--all", "-p", "--format=")


def _ours(path: Path) -> bool:
    return ".git" not in path.parts


TestUserAndAgent = UserAndAgent.TestCase
TestUserAndAgent.settings = settings(
    max_examples=N_EXAMPLES,
    stateful_step_count=N_STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
