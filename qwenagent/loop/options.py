"""What the command line decides about a run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line decides about a run."""

    files: tuple[str, ...] = ()
    """Files to work on, besides those that the steps name."""
    folder: str = "."
    """Where the user stands, relative to the repository: what is typed runs there."""
    branch: bool = True
    """Commit on a new branch; otherwise on the present one."""
    commit: bool = True
    """Commit each step; otherwise leave one uncommitted diff."""
    strict: bool = False
    """Count a step as not done where no test speaks for it."""
    stop_on_block: bool = False
    """End the run at the first blocked step."""
    tick: bool = False
    """Tick the boxes of the done steps in the plan's file."""
    restart: bool = False
    """Forget what earlier runs of the plan have done."""
