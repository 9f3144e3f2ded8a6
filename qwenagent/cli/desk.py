"""What `plan` and `review` share: their flags, the screen, and the model they ask."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.completion import ModelName
from qwenagent.cli.flags import frontier_options, in_folder
from qwenagent.cli.frontier import frontier_rules, make_frontier
from qwenagent.cli.offline import connections
from qwenagent.cli.wiring import build_settings, interruptible, make_approver, model_of
from qwenagent.errors import QwenAgentError, UsageError, reason

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.escalate import Escalation
    from qwenagent.loop import Stop
    from qwenagent.loop.writing import Desk
    from qwenagent.protocol.events import EventStream
    from qwenagent.workspace import Repository


def asking_flags(command: Any) -> Any:
    """Add the flags of commands that ask a model and write a plan."""
    options = [
        click.option("--frontier", is_flag=True, help="Have the model elsewhere write it."),
        click.option(
            "--model",
            type=ModelName(),
            help="Local model: a name of `models list`, or a GGUF file.",
        ),
        click.option("--endpoint", metavar="URL", help='Server that runs it. "" is none.'),
        *frontier_options(),
        click.option("--force", is_flag=True, help="Replace the file if it is there."),
        click.option("--seed", type=click.IntRange(min=0), metavar="N", help="Seed."),
        in_folder,
    ]
    for option in reversed(options):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Asking:
    """One conversation with a model, shown on the screen."""

    settings: Settings
    events: EventStream
    stop: Stop
    repository: Repository
    flags: dict[str, Any]
    stack: ExitStack

    def local(self) -> Desk:
        """Return the local model at its desk; it is closed with the conversation.

        Raises: as for every run, if there is none.
        """
        from qwenagent.loop.writing import Desk

        _, make_engine = model_of(self.settings)
        engine = make_engine()
        self.stack.callback(engine.close)
        return Desk(engine, self.events, self.stop, self.settings.loop.seed)

    def frontier(self) -> Escalation:
        """Return the way to models elsewhere.

        Raises:
            UsageError: nobody may be asked; says why.
        """
        from qwenagent.escalate import rules_of

        rules = frontier_rules(self.settings, self.flags)
        approver = make_approver({**self.flags, "yes": False}, self.stop)
        found = make_frontier(
            rules, self.repository.root, self.events, approver, self.stop, self.flags
        )
        if found is None:
            shut = rules_of(self.settings.escalate, offline=self.flags["offline"]).shut
            raise UsageError(
                f"--frontier: {shut}", hint="`qwenagent config escalate` shows what is set"
            )
        return found


@contextmanager
def asking(repository: Repository, flags: dict[str, Any]) -> Iterator[Asking]:
    """Begin a conversation, and take everything down behind it."""
    from qwenagent.loop import Stop
    from qwenagent.protocol.events import EventStream
    from qwenagent.transcript import new_run_id
    from qwenagent.ui import make_view

    flags["as_json"] = False
    settings = build_settings(repository.root, flags)
    stop = Stop()
    with ExitStack() as stack:
        stack.enter_context(connections(offline=flags["offline"]))
        view = stack.enter_context(make_view("auto", sys.stdout))
        stack.enter_context(interruptible(stop))
        events = EventStream(new_run_id(), (view,))
        yield Asking(settings, events, stop, repository, flags, stack)


def require_free(path: Path, *, force: bool) -> None:
    """Refuse a file that is there, before anybody is asked for its text.

    Raises:
        UsageError: it is there, or cannot be.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="--force replaces it, -o names another")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", hint="make it first")


def write_plan_file(path: Path, text: str) -> None:
    """Write a plan."""
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise QwenAgentError(f"{path} cannot be written: {reason(error)}") from error
