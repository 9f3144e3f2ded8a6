"""What `plan` and `review` share: their flags, the screen, and the model they ask."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from qwenagent.cli.codes import NOT_DONE
from qwenagent.cli.completion import ModelName
from qwenagent.cli.flags import frontier_options, in_folder
from qwenagent.cli.frontier import frontier_rules, make_frontier
from qwenagent.cli.offline import connections
from qwenagent.cli.wiring import build_settings, interruptible, make_approver, model_of
from qwenagent.errors import QwenAgentError, UsageError, reason
from qwenagent.statefolder import write_unlinked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qwenagent.cli.inquiry import Inquiry
    from qwenagent.config import Settings
    from qwenagent.escalate import Escalation, Provider
    from qwenagent.loop import Stop
    from qwenagent.loop.writing import Desk
    from qwenagent.protocol.events import EventStream
    from qwenagent.protocol.messages import EngineInfo
    from qwenagent.workspace import Repository

_MAX_PLANS = 99


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


@dataclass(slots=True)
class Asking:
    """One conversation with a model: on the screen, and in a transcript as every run is."""

    title: str
    settings: Settings
    stop: Stop
    repository: Repository
    flags: dict[str, Any]
    stack: ExitStack
    test_command: str = ""
    """What is told of the tests; set before somebody is asked."""
    _inquiry: Inquiry | None = None

    def local(self) -> Desk:
        """Return the local model at its desk; it is closed with the conversation.

        Raises: as for every run, if there is none.
        """
        from qwenagent.loop.writing import Desk

        _, make_engine = model_of(self.settings)
        engine = make_engine()
        self.stack.callback(engine.close)
        return Desk(engine, self._begin(engine.describe()), self.stop, self.settings.loop.seed)

    def frontier(self) -> Escalation:
        """Return the way to models elsewhere.

        Raises:
            UsageError: nobody may be asked; says why.
        """
        from qwenagent.escalate import rules_of

        rules = frontier_rules(self.settings, self.flags)
        if rules is None:
            shut = rules_of(self.settings.escalate, offline=self.flags["offline"]).shut
            raise UsageError(
                f"--frontier: {shut}", hint="`qwenagent config escalate` shows what is set"
            )
        approver = make_approver({**self.flags, "yes": False}, self.stop)
        events = self._begin(_elsewhere(rules.providers))
        root = self.repository.root
        return make_frontier(rules, root, events, approver, self.stop, self.flags)

    def end(self, code: int, reason: str, *next_commands: str) -> int:
        """Tell how it ended, if it began; return the code."""
        if self._inquiry is not None:
            self._inquiry.end(code, reason, next_commands)
        return code

    def give_up(self, error: QwenAgentError) -> int:
        """End without an answer that can be used; say what may help, and return the code."""
        from qwenagent.protocol.events import Warned

        if self._inquiry is not None:
            self._inquiry.events.emit(Warned(error.message, error.hint))
        return self.end(NOT_DONE, "no answer could be used")

    def _begin(self, engine: EngineInfo) -> EventStream:
        """Begin to show and keep what is told; an error before this leaves no transcript."""
        from qwenagent.cli.inquiry import Inquiry

        self._inquiry = Inquiry(self.repository, self.stack)
        seed = self.settings.loop.seed
        self._inquiry.begin(self.title, engine, self.test_command, seed)
        return self._inquiry.events


def _elsewhere(providers: Sequence[Provider]) -> EngineInfo:
    """Return what stands for an engine where none runs: those who may be asked, in order."""
    from qwenagent.protocol.messages import EngineInfo

    names = " or ".join(f"{one.model.name} of {one.name}" for one in providers)
    hosts = ", ".join(dict.fromkeys(one.host for one in providers))
    n_ctx = min((one.model.context_tokens or 0 for one in providers), default=0)
    return EngineInfo(model=names, device=hosts, n_ctx=n_ctx, n_threads=0, library="")


@contextmanager
def asking(repository: Repository, flags: dict[str, Any], title: str) -> Iterator[Asking]:
    """Begin a conversation; end it if an error does, and take everything down behind it."""
    from qwenagent.loop import Stop

    flags["as_json"] = False
    settings = build_settings(repository.root, flags)
    stop = Stop()
    with ExitStack() as stack:
        stack.enter_context(connections(offline=flags["offline"]))
        stack.enter_context(interruptible(stop))
        talk = Asking(title, settings, stop, repository, flags, stack)
        try:
            yield talk
        except QwenAgentError as error:
            talk.end(error.exit_code, error.message)
            raise


def require_free(path: Path, *, force: bool) -> None:
    """Refuse a file that is there, before anybody is asked for its text.

    Raises:
        UsageError: it is there, is a link, or cannot be.
    """
    if path.is_symlink():  # also one to nothing: a repository could have us write anywhere
        raise UsageError(f"{path} is a link, and none is followed", hint="name the file itself")
    if path.exists() and not force:
        raise UsageError(f"{path} is there already", hint="--force replaces it, -o names another")
    if not path.parent.is_dir():
        raise UsageError(f"the folder {path.parent} does not exist", hint="make it first")


def write_plan_file(path: Path, text: str) -> None:
    """Write a plan.

    Raises:
        QwenAgentError: the file is a link, or cannot be written.
    """
    try:
        write_unlinked(path, text)
    except OSError as error:
        raise QwenAgentError(f"{path} cannot be written: {reason(error)}") from error


def write_new_plan(folder: Path, text: str) -> Path:
    """Write a plan under the first free name in a folder: plan.md, plan-2.md; return its path.

    Raises:
        UsageError: all names are taken.
        QwenAgentError: it cannot be written.
    """
    for name in ("plan.md", *(f"plan-{n}.md" for n in range(2, _MAX_PLANS + 1))):
        path = folder / name
        try:
            write_unlinked(path, text, new=True)
        except FileExistsError:  # a link to nothing is something, too
            continue
        except OSError as error:
            raise QwenAgentError(f"{path} cannot be written: {reason(error)}") from error
        return path
    raise UsageError(f"there are {_MAX_PLANS} plans here", hint="delete some of plan-*.md")
