"""Adds up what a run took and writes it as one JSON file. Knows nothing of the screen."""

from __future__ import annotations

import json
import os
import tempfile
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from qwenagent.errors import UsageError
from qwenagent.protocol.events import (
    OVERRULED,
    ApprovalAsked,
    Escalated,
    Finished,
    LineTried,
    Phase,
    Record,
    StepEnded,
    StepState,
    ToolEnded,
    ToolStarted,
    TurnEnded,
    TurnStarted,
)
from qwenagent.protocol.messages import Usage

_STATES: tuple[StepState, ...] = ("solved", "unverified", "blocked", "skipped", "for_you")


class MetricsSink:
    """A sink that writes its file at `Finished`, or at `close` if the run was cut short.

    Tokens are added up from every `TurnEnded`, so that a run without an end has numbers too;
    its `exit_code` is null.
    """

    def __init__(self, path: Path) -> None:
        """Raises UsageError if the file cannot be written: better now than after the run."""
        self._path = path.resolve()  # a link stays one
        if why := _why_not_writable(self._path):
            raise UsageError(
                f"--metrics {path}: {why}", hint="name a file in a folder that you may write to"
            )
        self._usage = Usage()
        self._ends: dict[str, StepState] = {}
        self._first_time = self._last_time = 0.0
        self._finished: Finished | None = None
        self._written = False
        self._run = ""
        self._n_asked = 0
        self._phase: Phase = "edit"
        self._asked = dict.fromkeys(("requests", "tokens", "micro_dollars", "unpriced"), 0)
        self._edits = dict.fromkeys(("applied", "refused", "overruled"), 0)

    def __call__(self, record: Record) -> None:
        """Add one record; write the file if it is the last."""
        self._first_time = self._first_time or record.time
        self._last_time = record.time
        self._run = record.run
        match record.event:
            case TurnEnded(usage=usage):
                self._usage += usage
            case ApprovalAsked():
                self._n_asked += 1
            case ToolStarted(overruled=overruled):
                self._edits["overruled"] += overruled >= OVERRULED
            case TurnStarted(phase=phase):
                self._phase = phase
            case ToolEnded(result=result) if self._phase != "gather":
                self._edits["refused" if result.is_error else "applied"] += 1
            case LineTried(best=best, refused=refused):
                self._edits["refused"] += bool(refused)
                self._edits["applied"] += best
            case Escalated():
                self._escalated(record.event)
            case StepEnded(line=line):
                self._ends[line.id] = line.state
            case Finished() as finished:
                self._finished = finished
                self._ends.update({line.id: line.state for line in finished.steps})
                self._write()

    def _escalated(self, event: Escalated) -> None:
        n_tokens = event.fresh + event.cached + event.out
        self._asked["requests"] += event.outcome not in ("declined", "capped")
        self._asked["tokens"] += n_tokens
        self._asked["micro_dollars"] += event.micro_dollars or 0
        self._asked["unpriced"] += n_tokens > 0 and event.micro_dollars is None

    def close(self) -> None:
        """Write the file unless `Finished` has done so."""
        if not self._written:
            self._write()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _numbers(self) -> dict[str, object]:
        ends = Counter(self._ends.values())
        elapsed = self._last_time - self._first_time
        return {
            "prompt_tokens": self._usage.prompt_tokens,
            "cached_tokens": self._usage.cached_tokens,
            "completion_tokens": self._usage.completion_tokens,
            "llm_calls": self._usage.calls,
            "seconds": round(self._finished.seconds if self._finished else elapsed, 3),
            "exit_code": self._finished.exit_code if self._finished else None,
            "steps": {state: ends[state] for state in _STATES},
            "edits": self._edits,
            "approvals": self._n_asked,
            "escalated": self._asked,
            "run": self._run,
        }

    def _write(self) -> None:
        self._written = True  # once only: what failed would fail again
        try:
            _replace(self._path, json.dumps(self._numbers(), indent=2) + "\n")
        except OSError as error:
            error.filename = str(self._path)
            raise


def _why_not_writable(path: Path) -> str:
    if not path.parent.is_dir():
        return f"the folder {path.parent} does not exist"
    if path.is_dir():
        return "that is a folder"
    wanted = path if _is_special(path) else path.parent
    return "" if os.access(wanted, os.W_OK) else f"{wanted} is not writable for you"


def _is_special(path: Path) -> bool:
    """A device or a pipe is written to: a file of its name would take its place."""
    return path.exists() and not path.is_file()


def _replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees all of it or the old one."""
    if _is_special(path):
        path.write_text(text, encoding="utf-8")
        return
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
