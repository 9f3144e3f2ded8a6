"""User and agent at once, in any order, with crashes: the user's bytes are never lost.

Beside the real thing there is a model: what each point has changed, and where every branch is.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
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
    Point,
    Repository,
    Turned,
    Turning,
    Workspace,
    recover,
)
from qwenagent.workspace.lock import Owner
from qwenagent.workspace.points import Points
from qwenagent.workspace.refs import Refs
from qwenagent.workspace.root import Root
from qwenagent.workspace.unfinished import Unfinished
from tests.conftest import GIT_ENVIRONMENT, run_git

NAMES = st.sampled_from(["a.py", "sub/b.py"])
PARTS: list[tuple[type, str]] = [
    (Root, "replace"),
    (Root, "remove"),
    (Repository, "_commit"),
    (Repository, "unstage"),
    (Refs, "move_head"),
    (Points, "add"),
    (Points, "mark"),
    (Unfinished, "forget"),
]
"""What changes something on the disk: before each of them the agent may be killed."""
N_EXAMPLES, N_STEPS = 30, 15
"""Some ten calls of git for each step: as many as end in 20 s on a free core."""


class Killed(BaseException):
    """Stands for SIGKILL: nothing of ours runs after it."""


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
        self._before: dict[str, str | None] = {}
        """What files were before the agent's present step."""
        self.model: dict[int, dict[str, tuple[str | None, str | None]]] = {}
        """What each point has changed, from what to what."""
        self.refs: dict[str, str] = {}
        """Where HEAD and each branch are."""

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
        self.refs = self._read_refs()
        self._open()

    def _open(self) -> None:
        self._before.clear()
        self.tree = Workspace(Repository.open(self.root))
        self.tree.meanwhile.stand()

    def teardown(self) -> None:
        try:
            if hasattr(self, "root"):
                run_git(self.root, "fsck", "--no-progress", "--no-dangling", "--strict")
        finally:
            self._patch.undo()
            shutil.rmtree(self._top)

    def _now(self, name: str) -> str | None:
        path = self.root / name
        return path.read_text() if path.exists() else None

    def _read_refs(self) -> dict[str, str]:
        git = self.root / ".git"
        places = [git / "HEAD", *(path for path in (git / "refs").rglob("*") if path.is_file())]
        found = {place.relative_to(git).as_posix(): place.read_text().strip() for place in places}
        return {name: to for name, to in found.items() if not name.startswith("refs/qwenagent/")}

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

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def user_changes_what_was_kept(self, data: st.DataObject) -> None:
        self.user_edits(data.draw(st.sampled_from(sorted(self.model[max(self.model)]))))

    @rule()
    def user_commits(self) -> None:
        run_git(self.root, "add", "-A")
        run_git(self.root, "commit", "-q", "--allow-empty", "-m", self._text("user"))
        # What was committed is safe, whatever becomes of the tree.
        self.theirs.clear()
        self.refs = self._read_refs()

    @rule()
    def user_amends(self) -> None:
        run_git(self.root, "commit", "-q", "--amend", "--allow-empty", "-m", self._text("user"))
        self.refs = self._read_refs()

    @rule(name=NAMES)
    def user_stages(self, name: str) -> None:
        if (self.root / name).exists():
            run_git(self.root, "add", name)

    @rule()
    def user_makes_a_branch(self) -> None:
        run_git(self.root, "switch", "-q", "-c", f"branch-{self._n}-{len(self.theirs)}-x")
        self._n += 1
        self.refs = self._read_refs()

    @rule(data=st.data())
    def user_switches(self, data: st.DataObject) -> None:
        """Git carries what is not committed along, or refuses."""
        names = sorted(name for name in self.refs if name.startswith("refs/heads/"))
        branch = data.draw(st.sampled_from(names)).removeprefix("refs/heads/")
        done = subprocess.run(
            ["git", "switch", "-q", branch], cwd=self.root, capture_output=True, check=False
        )
        if done.returncode == 0:  # it makes deleted files anew, where the branches differ in them
            self.theirs = {n: text for n, text in self.theirs.items() if self._now(n) == text}
            self.refs = self._read_refs()

    # -- the agent ------------------------------------------------------------------------------

    @rule(name=NAMES, delete=st.booleans())
    def agent_edits(self, name: str, delete: bool) -> None:
        old = self.tree.text(name)
        new = None if delete and old is not None else self._text("agent")
        before = self.theirs.get(name, "")
        self._before.setdefault(name, self._now(name))
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
            made, point = self._keep(about, commit=commit)
        except ChangedMeanwhile:
            self._give_up()
            return
        if made:
            self.refs[self._branch()] = made
        if point is not None:
            self._model(point)
        self._before.clear()
        self._in_journal.clear()  # it is in the point, from where undo brings it

    @rule(name=NAMES, commit=st.booleans())
    def agent_does_a_step(self, name: str, commit: bool) -> None:
        self.agent_edits(name, delete=False)
        self.agent_keeps(commit)

    def _branch(self) -> str:
        return self.refs["HEAD"].removeprefix("ref: ")

    def _keep(self, about: About, *, commit: bool) -> tuple[str, Point | None]:
        self.tree.meanwhile.require_place()
        self.tree.intend(about)
        made = ""
        if commit and (changed := self.tree.changed()):
            made = self.tree.repository.commit(changed, about.title)
        return made, self.tree.settle(about, made)

    def _model(self, point: Point) -> None:
        """Remember what a new point has changed, and that it says the same."""
        wanted = {name: (self._before[name], self._now(name)) for name in point.paths}
        said = Turning(self.tree.repository)._points.changes(point)
        assert {c.path: (_text(c.before.data), _text(c.after.data)) for c in said} == wanted
        self.model[point.number] = wanted

    @rule(n=st.integers(0, 2), name=NAMES, act=st.sampled_from(["edit", "undo", "redo", ""]))
    def agent_is_killed(self, n: int, name: str, act: str) -> None:
        """In the middle of something, or between two things."""
        turning = Turning(self.tree.repository)
        undone = self._undone()
        if act == "edit":
            self._before.setdefault(name, self._now(name))
            edit = Edit(name, self.tree.text(name), self._text("agent"))
            is_killed = _dies(lambda: self.tree.apply(edit), n)
        elif act and not self.tree.journal.images:
            is_killed = _dies(turning.undo if act == "undo" else turning.redo, n)
        else:
            is_killed = True
        self._after_a_kill(undone) if is_killed else self._give_up()

    @rule(n=st.integers(0, 3), name=NAMES, commit=st.booleans())
    def agent_is_killed_as_it_keeps(self, n: int, name: str, commit: bool) -> None:
        """Before, in or after its commit and its point."""
        if not self.tree.journal.images:
            self.agent_edits(name, delete=False)
        undone, about = self._undone(), About(self._text("step"), "step" if commit else "task")
        is_killed = _dies(lambda: self._keep(about, commit=commit), n)
        self._after_a_kill(undone) if is_killed else self._give_up()

    def _undone(self) -> dict[int, bool]:
        points = Turning(self.tree.repository).points()
        return {point.number: point.undone for point in points}

    def _after_a_kill(self, undone: dict[int, bool]) -> None:
        self._start_again()
        self._agree(undone)
        self._put_back()
        self._open()

    def _start_again(self) -> None:
        folder = self.tree.repository.private_folder() / "unfinished"
        dead = Owner(2**22 + 1, 1.0)
        for place in folder.glob("*"):
            here = f'"pid":{os.getpid()}'.encode()
            place.write_bytes(place.read_bytes().replace(here, f'"pid":{dead.pid}'.encode()))
        recover(Repository.open(self.root))
        Turning(Repository.open(self.root)).finish()

    def _agree(self, undone: dict[int, bool]) -> None:
        """What a killed agent has left is one of the states that it can leave."""
        branch, refs = self._branch(), self._read_refs()
        points = Turning(self.tree.repository).points()
        old, new = self.refs[branch], refs[branch]
        if old != new:
            moves = {(p.place.head, p.commit) for p in points if p.commit}
            assert (old, new) in moves or (new, old) in moves
        self.refs[branch] = new
        for point in points:
            if point.number not in undone:
                self._model(point)
            elif point.undone != undone[point.number]:
                self._turned(point, back=point.undone)
        kept = [self.model[point.number] for point in points if point.number not in undone]
        for name, before in self._before.items():
            known = [before, *(model[name][1] for model in kept if name in model)]
            assert name in self.theirs or self._now(name) in known

    def _turned(self, point: Point, *, back: bool, all_of: tuple[str, ...] = ()) -> None:
        """Files that are as they were wanted are not as the user left them last."""
        for path, ends in self.model[point.number].items():
            wanted = ends[0] if back else ends[1]
            assert self._now(path) == wanted or path not in all_of
            if path in self.theirs:  # it is written over only where it says nothing new
                assert self.theirs[path] in (*ends, self._now(path))
            if self._now(path) == wanted:
                self.theirs.pop(path, None)

    @precondition(lambda self: not self.tree.journal.images)
    @rule(back=st.booleans())
    def turns(self, back: bool) -> None:
        turning = Turning(self.tree.repository)
        self._turn(lambda: [turning.undo() if back else turning.redo()])

    @precondition(lambda self: self.model and not self.tree.journal.images)
    @rule(data=st.data())
    def restores(self, data: st.DataObject) -> None:
        number = data.draw(st.integers(0, max(self.model)))
        self._turn(lambda: Turning(self.tree.repository).restore(number))

    def _turn(self, act: Callable[[], list[Turned]]) -> None:
        undone = self._undone()
        try:
            done = act()
            last = {path: turned.point.number for turned in done for path in turned.paths}
            for turned in done:
                number = turned.point.number
                final = tuple(path for path in turned.paths if last[path] == number)
                self._turned(turned.point, back=turned.back, all_of=final)
                if turned.point.commit:
                    to = turned.point.place.head if turned.back else turned.point.commit
                    self.refs[self._branch()] = to
        except WorkspaceError:  # some may have been turned before the one that was refused
            self._agree(undone)
        self._open()

    # -- what always holds ----------------------------------------------------------------------

    @invariant()
    def what_the_user_did_last_is_there(self) -> None:
        for name, text in self.theirs.items():
            assert self._now(name) == text, (name, self._now(name), text)

    @invariant()
    def git_is_whole(self) -> None:
        if hasattr(self, "root"):
            assert self._read_refs() == self.refs  # a stash would be one more
            assert not (self.root / ".git/index.lock").exists()

    def _is_somewhere(self, text: str) -> bool:
        digest = hashlib.sha256(text.encode()).digest()
        found = (path for path in self.root.rglob("*") if path.is_file())
        if any(hashlib.sha256(p.read_bytes()).digest() == digest for p in found if _ours(p)):
            return True
        points = Turning(self.tree.repository)
        kept = (change.before.data for p in points.points() for change in points._points.changes(p))
        return text.encode() in kept or text in run_git(
            self.root, "log", "--all", "-p", "--format="
        )


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode()


def _dies(act: Callable[[], object], n: int) -> bool:
    """Do something that is killed before its n-th part, or after all; return False if refused."""
    n_done = 0

    def dying(real: Callable[..., object]) -> Callable[..., object]:
        def part(*args: object, **kwargs: object) -> object:
            nonlocal n_done
            n_done += 1
            if n_done > n:
                raise Killed
            return real(*args, **kwargs)

        return part

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in PARTS:
            patch.setattr(owner, name, dying(getattr(owner, name)))
        try:
            act()
        except Killed:
            return True
        except WorkspaceError:
            return False
    return True


def _ours(path: Path) -> bool:
    return ".git" not in path.parts


TestUserAndAgent = UserAndAgent.TestCase
TestUserAndAgent.settings = settings(
    max_examples=N_EXAMPLES,
    stateful_step_count=N_STEPS,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
