"""The session itself: reads messages, has them answered or carried out, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

import click

from qwenagent.awake import awake
from qwenagent.cli.boundary import told
from qwenagent.cli.codes import INTERRUPTED
from qwenagent.cli.flags import standing_in
from qwenagent.cli.frontier import frontier_rules, make_frontier
from qwenagent.cli.session.commands import Commands
from qwenagent.cli.session.model import Loaded, Model
from qwenagent.cli.session.recording import Recording
from qwenagent.cli.session.stage import LentApprover, Stage
from qwenagent.cli.wiring import make_approver, make_ports
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.stop import Stop, Stopped
from qwenagent.loop.talk import Conversation, Partner, exchanges_of
from qwenagent.loop.talk.changes import Changes
from qwenagent.plan import Plan
from qwenagent.protocol.events import (
    CommandRan,
    MessageSent,
    Record,
    RunKind,
    StepEnded,
    TurnEnded,
)
from qwenagent.protocol.messages import EngineInfo
from qwenagent.transcript import PastRun
from qwenagent.ui import TerminalApprover
from qwenagent.ui.reading import (
    Called,
    Eof,
    Interrupted,
    Line,
    Status,
    Unknown,
    mention,
    mentions,
    parse,
    unknown_line,
)
from qwenagent.workspace import Repository, Workspace

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.protocol.approval import Approver

_MICRO = 1_000_000


class Chat:
    """One session. What is typed comes from the stage, and what is told goes there."""

    def __init__(
        self, stage: Stage, repository: Repository, settings: Settings, flags: dict[str, Any]
    ) -> None:
        self.stage = stage
        self.repository = repository
        self.settings = settings
        self.flags = flags
        self.conversation = Conversation(Workspace(repository))
        self.recording = Recording(repository.root, stage.view, self._keep_status)
        self.model = Model(settings, self._show)
        self._commands = Commands(self)
        self._branch = ""
        self._code = 0
        self._is_over = False

    # -- from beginning to end ----------------------------------------------------------------

    def run(self, resume: str) -> int:
        """Read and respond until the user leaves; return the exit code."""
        self.model.begin()
        self.show_status()
        if resume:
            self._commands.run(parse_command("resume", resume), f"/resume {resume}")
        while not (self._is_over or self.stage.is_leaving):
            match self.stage.reader.read():
                case Line() as line:
                    self._respond(line)
                case Eof():
                    break
                case Interrupted():
                    self._code = INTERRUPTED
                    break
        if self.stage.is_leaving:
            self._code = INTERRUPTED
        return self._code

    def leave(self) -> None:
        """Read nothing more."""
        self._is_over = True

    def close(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        """End the transcript, however the session ended."""
        if error is not None and not isinstance(error, SystemExit):
            self.recording.close(kind, error, trace)
            return False
        self.end_recording(INTERRUPTED if error is not None else self._code)
        return False

    def end_recording(self, code: int = 0) -> None:
        """End the transcript of what was said so far."""
        reason = "the session was ended" if code == 0 else "interrupted"
        self.recording.end(code, reason, self._whole_diff, self._branch)

    def changes(self) -> Changes:
        """Return what this session has changed."""
        return Changes(self.repository, self.recording.run)

    def _whole_diff(self) -> str:
        return "".join(change.diff for change in self.changes().files())

    # -- a line -------------------------------------------------------------------------------

    def _respond(self, line: Line) -> None:
        match parse(line.text):
            case Called() as called:
                self._commands.run(called, line.text)
            case Unknown() as unknown:
                click.echo(unknown_line(unknown), err=True)
            case None:
                self._guarded(lambda stop: self._message(line, stop))
        self.stage.view.space()
        self.show_status()

    def _guarded(self, work: Callable[[Stop], int]) -> None:
        """Do something for a message; what goes wrong is told, and kept."""

        def stoppable() -> int:
            try:
                return work(stop)
            except Stopped:
                click.echo(f"stopped: {stop.reason}")
                return INTERRUPTED

        with self.stage.working("looking at it") as stop, self.stage.listening() as tee:
            code = told(stoppable, ["session"])
        if tee.said.strip():
            self.recording.note(CommandRan("", tee.said, code))

    def _message(self, line: Line, stop: Stop) -> int:
        self.begin(line.text)
        self.recording.events.emit(MessageSent(line.text, _folded(line)))
        named = mentions(line.text)
        said = spoken(line.text, named)
        for name in self.conversation.notice(said, named):
            click.echo(f"warning: @{name} is neither a file nor a symbol of this repository")
        loaded = self.loaded(stop)
        partner = self.partner(loaded, stop)
        if self.conversation.intent(partner, said) == "answer":
            self.stage.view.waiting("reading")
            answered = self.conversation.answer(partner, said)
            return INTERRUPTED if answered.stop == "cancelled" else 0
        return self._task(said, loaded, stop)

    def _task(self, said: str, loaded: Loaded, stop: Stop) -> int:
        task = self.conversation.task(said)
        options = RunOptions(
            files=task.files, folder=standing_in(self.repository), branch=False, commit=False
        )
        try:
            return self.carry_out([task.plan], "task", options, loaded, stop)
        finally:
            if finished := self.recording.tally.finished:
                self.conversation.note_task(said, finished)

    # -- what commands use, too ---------------------------------------------------------------

    @property
    def shelved(self) -> tuple[str, ...]:
        """The files that are before the model."""
        return self.conversation.shelf.paths

    def begin(self, title: str) -> None:
        """Begin the transcript, if that is not done."""
        self.recording.begin(title, self._branch, self.engine_info(), self.settings.loop.seed)

    def take_up(self, past: PastRun) -> int:
        """Go on with an earlier session; return how many exchanges it has.

        Raises: see `Recording.earlier`; then the present one goes on.
        """
        records = self.recording.earlier(past)
        if self.recording.has_begun:
            self.end_recording()
        seed = self.settings.loop.seed
        self.recording.take_up(past, records, self._branch, self.engine_info(), seed)
        self.conversation.clear()
        self.conversation.exchanges += exchanges_of(records)
        return len(self.conversation.exchanges)

    def engine_info(self) -> EngineInfo:
        """Return what is known of the engine without waiting for it."""
        if loaded := self.model.loaded:
            return loaded.info
        return EngineInfo(self.model.name or "the default model", "", 0, 0, "")

    def loaded(self, stop: Stop) -> Loaded:
        """Return the model, waiting for it if need be. Raises: see `Model.wait`."""
        if self.model.loaded is None:
            self.stage.view.waiting(f"loading {self.model.name or 'the model'}")
        return self.model.wait(stop)

    def partner(self, loaded: Loaded, stop: Stop) -> Partner:
        """Return the model as the conversation asks it."""
        return Partner(loaded.engine, loaded.card.profile, self.recording.events, stop)

    def approver(self, stop: Stop) -> Approver:
        """Return who is asked for what the user has not typed."""
        return make_approver(
            self.flags, stop, LentApprover(self.stage, TerminalApprover(cancel=stop))
        )

    def ports(self, loaded: Loaded, stop: Stop) -> Ports:
        """Return everything a run works with."""
        approver = self.approver(stop)
        events = self.recording.events
        settings, flags = self.settings, self.flags
        ports = make_ports(
            self.repository, loaded.engine, events, loaded.card, settings, stop, approver, flags
        )
        if rules := frontier_rules(settings, flags):
            frontier = make_frontier(rules, self.repository.root, events, approver, stop, flags)
            ports = replace(ports, frontier=frontier)
        return ports

    def carry_out(
        self,
        plans: list[Plan],
        kind: RunKind,
        options: RunOptions,
        loaded: Loaded,
        stop: Stop,
    ) -> int:
        """Carry out plans as a run of their own; return its exit code."""
        from qwenagent.loop import Agent

        self.recording.tally.finished = None
        with awake(f"carrying out {plans[0].title}"):
            code = Agent(self.ports(loaded, stop)).run(plans, kind, options)
        self.conversation.look_again()
        return code

    # -- the status line ----------------------------------------------------------------------

    def show_status(self) -> None:
        """Show what the status line tells, the branch looked up again."""
        self._branch = self.repository.branch()
        self._show()

    def _keep_status(self, record: Record) -> None:
        if isinstance(record.event, (TurnEnded, StepEnded)):
            self._show()

    def _show(self) -> None:
        tally = self.recording.tally
        last, loaded = tally.context, self.model.loaded
        info = loaded.info if loaded else None
        waiting = "loading" if self.model.is_loading else "not loaded"
        self.stage.reader.show(
            Status(
                model=loaded.card.title if loaded else self.model.name,
                device=info.device if info else waiting,
                tokens_per_s=tally.tokens_per_s,
                context_used=last.prompt_tokens + last.completion_tokens if info else 0,
                context_size=info.n_ctx if info and last.prompt_tokens else 0,
                reused=last.cached_tokens,
                branch=self._branch,
                spent=tally.micro_dollars / _MICRO,
            )
        )


def _folded(line: Line) -> str:
    return "" if line.shown == line.text else line.shown


def parse_command(name: str, rest: str) -> Called:
    """Return a command as if it had been typed."""
    called = parse(f"/{name} {rest}")
    assert isinstance(called, Called)
    return called


def spoken(text: str, named: tuple[str, ...]) -> str:
    """Return a message with what is mentioned in it as code spans."""
    for name in sorted(named, key=len, reverse=True):
        for written in (f'@"{name}"', mention(name)):
            text = text.replace(written, f"`{name}`")
    return text
