"""The two arms that measure the suite itself: nobody, and the solution that comes with it."""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.evals.arms.arm import Attempt, Effort
from qwenagent.evals.grading import write_files


@dataclass(frozen=True, slots=True)
class IdleArm:
    """Does nothing: what it passes measures nothing."""

    name: str = "idle"

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        del attempt
        return Effort()


@dataclass(frozen=True, slots=True)
class OracleArm:
    """Writes the solution of the task's author: what it fails cannot be passed."""

    name: str = "oracle"

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        if attempt.task.oracle is None:
            return Effort(note="nobody wrote a solution of this task")
        write_files(attempt.repository, attempt.task.oracle)
        return Effort()
