"""Everything a run works with, built by the command line and handed over."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from qwenagent.checks import TestRunner
from qwenagent.config import Settings
from qwenagent.engine import Engine
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.stop import Stop
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import EventStream
from qwenagent.protocol.messages import Sampling
from qwenagent.registry import Profile
from qwenagent.workspace import Workspace

if TYPE_CHECKING:
    from qwenagent.escalate import FilePatch, Material, Subject


class Frontier(Protocol):
    """Models elsewhere that may be asked for help, within the user's rules and caps.

    Whatever is asked is shown, logged and paid for behind this; here are only the answers. They are
    as untrusted as every other text.
    """

    @property
    def up_front(self) -> Literal["", "advice", "patch"]:
        """What is asked before a step is tried here."""
        ...

    def willing(self, step: str) -> tuple[str, ...]:
        """Return the names of those who may be asked about a step now, in order."""
        ...

    def stays(self, paths: Iterable[str]) -> tuple[str, ...]:
        """Return those of the repository's files that are never sent."""
        ...

    def advice(
        self, name: str, subject: Subject, material: Material, listed: Collection[str]
    ) -> str:
        """Return what one of them advises; empty if there is none, for whatever reason."""
        ...

    def patch(
        self, name: str, subject: Subject, material: Material, listed: Collection[str]
    ) -> tuple[FilePatch, ...]:
        """Return one's patch; empty if there is none, for whatever reason."""
        ...


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
    frontier: Frontier | None = None
    """Asked when local attempts are used up; None where the user has not set that up."""
