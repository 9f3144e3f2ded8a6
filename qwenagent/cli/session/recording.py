"""The transcript of a session and its stream of events; it begins with what is said first."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from qwenagent import __version__
from qwenagent.errors import UsageError
from qwenagent.protocol.events import (
    Escalated,
    Event,
    EventStream,
    Finished,
    Record,
    RunStarted,
    Sink,
    StepEnded,
    StepLine,
    TurnEnded,
)
from qwenagent.protocol.messages import EngineInfo, Usage
from qwenagent.transcript import PastRun, TranscriptWriter, new_run_id, read, run_path

TITLE_CHARS = 72


class Tally:
    """A sink that adds up what the closing report needs."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.context = Usage()
        """Of the answer that was written last in one go."""
        self.tokens_per_s = 0.0
        """Of the last answer."""
        self.steps: list[StepLine] = []
        self.micro_dollars = 0
        self.finished: Finished | None = None
        """Of the run that ended last, until it is forgotten."""

    def __call__(self, record: Record) -> None:
        """Add one record."""
        match record.event:
            case TurnEnded(usage=usage):
                self.usage += usage
                if usage.calls == 1:
                    self.context = usage
                if usage.decode_s > 0:
                    self.tokens_per_s = usage.completion_tokens / usage.decode_s
            case StepEnded(line=line):
                self.steps.append(line)
            case Escalated(micro_dollars=int() as micro):
                self.micro_dollars += micro
            case Finished() as finished:
                self.finished = finished


class Recording:
    """What is kept of a session. Before it has begun, nothing is."""

    def __init__(self, repository: Path, *sinks: Sink) -> None:
        """`sinks` get the events, too."""
        self.tally = Tally()
        self._repository = repository
        self._sinks = sinks
        self._stack = ExitStack()
        self._stream: EventStream | None = None
        self._start = 0.0

    @property
    def has_begun(self) -> bool:
        """Whether there is a transcript."""
        return self._stream is not None

    @property
    def run(self) -> str:
        """Return the session's id, empty before it has begun."""
        return self._stream.run if self._stream else ""

    @property
    def events(self) -> EventStream:
        """Return the stream; the session must have begun."""
        assert self._stream is not None, "the session has not begun"
        return self._stream

    def begin(self, title: str, branch: str, engine: EngineInfo, seed: int) -> None:
        """Begin a transcript, if there is none yet; its title is what was said first."""
        if self._stream is None:
            self._open(new_run_id(), 1)
            self._tell_beginning(title, branch, engine, seed)

    def earlier(self, past: PastRun) -> list[Record]:
        """Return what is in an earlier transcript that can be gone on with; nothing ends by it.

        Raises:
            UsageError: it is this one, somebody else is at it, or it is none of a session.
            TranscriptError: it cannot be read.
        """
        if past.run_id == self.run:
            raise UsageError(f"{past.run_id} is this session")
        if past.is_under_way:
            raise UsageError(f"session {past.run_id} is under way in another terminal")
        if past.started is None or past.started.kind != "session":
            raise UsageError(f"{past.run_id} is no session", hint="/resume lists those there are")
        return list(read(past.path))

    def take_up(
        self, past: PastRun, records: Sequence[Record], branch: str, engine: EngineInfo, seed: int
    ) -> None:
        """Go on with an earlier transcript, of which these are the records."""
        title = past.started.title if past.started else ""
        self.close(None, None, None)
        self._open(past.run_id, max((r.seq for r in records), default=0) + 1)
        for record in records:
            self.tally(record)
        self.tally.finished = None
        self._tell_beginning(title, branch, engine, seed)

    def note(self, event: Event) -> None:
        """Tell of something, if the session has begun."""
        if self._stream is not None:
            self._stream.emit(event)

    def end(self, code: int, reason: str, diff: Callable[[], str], branch: str) -> None:
        """End the transcript with its report, if there is one."""
        if self._stream is None:
            return
        try:
            self._stream.emit(
                Finished(
                    exit_code=code,
                    reason=reason,
                    steps=tuple(self.tally.steps),
                    usage=self.tally.usage,
                    seconds=time.monotonic() - self._start,
                    branch=branch,
                    diff=diff(),
                    next_commands=(f"qwenagent session --resume {self.run}  # goes on with it",),
                )
            )
        finally:
            self.close(None, None, None)

    def close(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the file; a session that is begun afterwards has one of its own."""
        self._stream = None
        self.tally = Tally()
        self._stack.__exit__(kind, error, trace)
        self._stack = ExitStack()

    def _open(self, run: str, seq: int) -> None:
        transcript = self._stack.enter_context(TranscriptWriter(run_path(run)))
        sinks: tuple[Sink, ...] = (transcript, self._count, *self._sinks)
        self._stream = EventStream(run, sinks, _seq=itertools.count(seq))
        self._start = time.monotonic()

    def _count(self, record: Record) -> None:
        self.tally(record)

    def _tell_beginning(self, title: str, branch: str, engine: EngineInfo, seed: int) -> None:
        line = " ".join(title.split())
        if len(line) > TITLE_CHARS:
            line = f"{line[: TITLE_CHARS - 1].rstrip()}…"
        self.events.emit(
            RunStarted(
                kind="session",
                title=line,
                repository=str(self._repository),
                branch=branch,
                engine=engine,
                steps=(),
                test_command="",
                seed=seed,
                version=__version__,
            )
        )
