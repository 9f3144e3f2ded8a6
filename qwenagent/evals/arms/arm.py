"""What every arm gets and gives, as values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from qwenagent.evals.task import Task
from qwenagent.protocol.messages import Cancel


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one task."""

    task: Task
    repository: Path
    """A git repository with one commit, or with what the tries before left in it."""
    scratch: Path
    """A folder for files beside the repository; the agent does not get to see it."""
    prompt: str
    """The task, and on a second try what the tests said of the first."""
    number: int
    """1 or 2."""
    test_command: str
    """What the agent may run, as typed; empty if the tests are hidden."""
    time_limit_s: float
    seed: int
    cancel: Cancel


@dataclass(frozen=True, slots=True)
class Effort:
    """What a try took."""

    seconds: float = 0.0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    calls: int = 0
    """Answers of the model."""
    interventions: int = 0
    """Times that a person would have been asked or left with work."""
    exit_code: int = 0
    late: bool = False
    """The time limit ended it."""
    note: str = ""
    """What went wrong, a sentence."""
    transcript: str = ""
    """Id of the run's transcript."""
    applied: int = 0
    """Edits that were written."""
    refused: int = 0
    """Edits that were not: they did not apply, or a check found a fault."""
    overruled: int = 0
    """Calls for which the grammar refused nearly all that the model wanted."""

    def __add__(self, other: Effort) -> Effort:
        """Add up two tries; the exit code and the transcript are the later one's."""
        return Effort(
            seconds=round(self.seconds + other.seconds, 2),
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            calls=self.calls + other.calls,
            interventions=self.interventions + other.interventions,
            exit_code=other.exit_code,
            late=self.late or other.late,
            note="; ".join(dict.fromkeys(note for note in (self.note, other.note) if note)),
            transcript=other.transcript or self.transcript,
            applied=self.applied + other.applied,
            refused=self.refused + other.refused,
            overruled=self.overruled + other.overruled,
        )


class Arm(Protocol):
    """Somebody who tries to solve tasks."""

    @property
    def name(self) -> str:
        """In tables: "agent", "plain", or what the user calls it."""
        ...

    def attempt(self, attempt: Attempt) -> Effort:
        """Change the files of the repository; whatever was started has ended afterwards.

        Raises:
            QwenAgentError: it cannot work at all, on no task: no model, no such program.
        """
        ...
