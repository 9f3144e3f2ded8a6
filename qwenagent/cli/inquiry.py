"""A run without steps, as `plan` and `review` are: told on the screen and kept as a transcript."""

from __future__ import annotations

import sys
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING

from qwenagent import __version__
from qwenagent.protocol.events import EventStream, Finished, Record, RunStarted, TurnEnded
from qwenagent.protocol.messages import EngineInfo, Usage
from qwenagent.transcript import TranscriptWriter, new_run_id, run_path
from qwenagent.ui import make_view

if TYPE_CHECKING:
    from qwenagent.workspace import Repository


class Inquiry:
    """One run: whoever begins it has to end it, be it with an error."""

    def __init__(self, repository: Repository, stack: ExitStack) -> None:
        """`stack` closes transcript and screen."""
        self._repository = repository
        self._usage = Usage()
        self._start = time.monotonic()
        run_id = new_run_id()
        transcript = stack.enter_context(TranscriptWriter(run_path(run_id)))
        view = stack.enter_context(make_view("auto", sys.stdout))
        self.events = EventStream(run_id, (transcript, view, self._count))

    def begin(self, title: str, engine: EngineInfo, test_command: str, seed: int) -> None:
        """Say who is asked for what."""
        self.events.emit(
            RunStarted(
                kind="task",
                title=title,
                repository=str(self._repository.root),
                branch=self._repository.branch(),
                engine=engine,
                steps=(),
                test_command=test_command,
                seed=seed,
                version=__version__,
            )
        )

    def end(self, code: int, reason: str, next_commands: tuple[str, ...]) -> None:
        """Say how it ended, and what it took here."""
        self.events.emit(
            Finished(
                exit_code=code,
                reason=reason,
                steps=(),
                usage=self._usage,
                seconds=time.monotonic() - self._start,
                branch=self._repository.branch(),
                next_commands=next_commands,
            )
        )

    def _count(self, record: Record) -> None:
        if isinstance(record.event, TurnEnded):
            self._usage += record.event.usage
