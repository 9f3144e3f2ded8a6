"""Everything a run works with, built by the command line and handed over."""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.checks import TestRunner
from qwenagent.config import Settings
from qwenagent.engine import Engine
from qwenagent.loop.asker import Asker
from qwenagent.loop.stop import Stop
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import EventStream
from qwenagent.protocol.messages import Sampling
from qwenagent.registry import Profile
from qwenagent.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Ports:
    """The engine, the tree, the tests, and who is told and asked."""

    engine: Engine
    workspace: Workspace
    runner: TestRunner
    events: EventStream
    approver: Approver
    profile: Profile
    sampling: Sampling
    """Of the model's card: how attempts are drawn after the greedy ones."""
    settings: Settings
    stop: Stop
    asker: type[Asker] = Asker
    """Puts the questions; another one measures what another form of answer would have given."""
