"""A real repository, real tests and a scripted engine: what the tests of the loop play on."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from qwenagent.checks import TestRunner
from qwenagent.config import Settings
from qwenagent.engine import ScriptedEngine
from qwenagent.engine.scripted import Reply
from qwenagent.loop import Agent, Asker, Ports, RunOptions, Stop
from qwenagent.loop.ports import Frontier
from qwenagent.plan import Plan, parse_plan, task_plan
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import (
    ApprovalAnswered,
    ApprovalAsked,
    EventStream,
    Finished,
    Record,
    RunKind,
)
from qwenagent.protocol.messages import Alternative
from qwenagent.registry import Profile, find_card
from qwenagent.sandbox import Box
from qwenagent.workspace import Repository, Workspace

MODULE = "def add(a, b):\n    return a - b\n\n\ndef twice(a):\n    return add(a, a)\n"
FIXED = MODULE.replace("a - b", "a + b")
BROKEN = MODULE.replace("a - b", "a * b")
TEST = """import unittest

from calc import add, twice


class Add(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(2, 3), 5)

    def test_zero(self):
        self.assertEqual(add(0, 0), 0)
"""
PLAN_RUN = RunOptions()
TASK = RunOptions(branch=False, commit=False)
E = TypeVar("E")
PROFILE = replace(find_card("0.5b").profile, candidates=1)
"""One attempt a round: a script says what is asked for."""
COMMAND = "python3 -m unittest -v test_calc"


def body(code: str) -> str:
    """What the model writes after the forced opening fence."""
    return f"{code}```"


@dataclass(slots=True)
class Yes:
    """Approves everything and remembers what it was asked."""

    asked: list[ApprovalAsked] = field(default_factory=list)
    granted: bool = True

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        self.asked.append(request)
        return ApprovalAnswered(self.granted, "user" if self.granted else "nobody", request.digest)


@dataclass(slots=True)
class Stage:
    """One run: the repository, the engine's script, and everything that was emitted."""

    root: Path
    replies: Iterable[Reply] = ()
    others: list[Sequence[Alternative]] = field(default_factory=list)
    """What the engine would rather have written, passage by passage."""
    approver: Approver = field(default_factory=Yes)
    settings: Settings = field(default_factory=Settings)
    stop: Stop = field(default_factory=Stop)
    asker: type[Asker] = Asker
    profile: Profile = field(default_factory=lambda: PROFILE)
    box: Box | None = None
    """Where commands run; None hides nothing from them."""
    frontier: Callable[[Stage, EventStream], Frontier] | None = None
    """Makes the way to models elsewhere."""
    records: list[Record] = field(default_factory=list)
    engine: ScriptedEngine = field(init=False)

    def run_plan(self, text: str, options: RunOptions = PLAN_RUN) -> int:
        return self.run([parse_plan(text, "plan.md")], "plan", options)

    def run_task(self, text: str, options: RunOptions = TASK) -> int:
        return self.run([task_plan(text)], "task", options)

    def run(self, plans: list[Plan], kind: RunKind, options: RunOptions) -> int:
        self.engine = ScriptedEngine(self.replies, others=list(self.others))
        repository = Repository.open(self.root)
        events = EventStream("run", (self.records.append,))
        ports = Ports(
            engine=self.engine,
            workspace=Workspace(repository),
            runner=TestRunner(self.root, os.environ, self.stop, self.box),
            events=events,
            approver=self.approver,
            profile=self.profile,
            sampling=find_card("0.5b").sampling,
            settings=self.settings,
            stop=self.stop,
            asker=self.asker,
            frontier=self.frontier(self, events) if self.frontier else None,
        )
        try:
            return Agent(ports).run(plans, kind, options)
        finally:
            repository.close()

    def events(self, kind: type[E]) -> list[E]:
        return [record.event for record in self.records if isinstance(record.event, kind)]

    @property
    def finished(self) -> Finished:
        event = self.records[-1].event
        assert isinstance(event, Finished)
        return event

    @property
    def states(self) -> list[str]:
        return [line.state for line in self.finished.steps]

    def git(self, *args: str) -> str:
        done = subprocess.run(
            ["git", *args], cwd=self.root, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


def make_repository(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"]
    for args in (
        ["init", "-q", "-b", "main"],
        ["add", "-A"],
        [*identity, "commit", "-q", "-m", "start"],
    ):
        subprocess.run(["git", *args], cwd=root, check=True)
    return root
