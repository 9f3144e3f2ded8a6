"""How far a plan has come, kept in the repository's `.qwenagent/` between runs.

Keyed by the digest of each step, so that ticking changes nothing and editing one step forgets
only that one. Knows no git: whether a commit is still there is asked elsewhere.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import msgspec

from qwenagent.errors import PlanError, reason
from qwenagent.plan.values import Step
from qwenagent.protocol.stored import decoded, encoded
from qwenagent.statefolder import STATE_FOLDER, state_folder, write_unlinked

_VERSION = 1
DoneState = Literal["solved", "unverified"]


@dataclass(frozen=True, slots=True)
class Done:
    """How a step ended that need not be done again."""

    state: DoneState
    reason: str = ""
    tests_before: str = ""
    tests_after: str = ""
    commit: str = ""
    """Empty if it changed nothing, or commits were switched off."""


@dataclass(frozen=True, slots=True)
class PlanProgress:
    """What earlier runs of a plan have left."""

    branch: str = ""
    """Where the commits are; empty if there are none."""
    origin: str = ""
    """The branch that the first run started from."""
    start: str = ""
    """The commit that it started from."""
    files: dict[str, str] = field(default_factory=dict)
    """Without commits: the SHA-256 of each file that was written, as the last done step left it."""
    steps: dict[str, Done] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _File:
    v: int = _VERSION
    plans: dict[str, PlanProgress] = field(default_factory=dict)


class ProgressFile:
    """Reads and writes the progress of all plans of one repository."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.path = root / STATE_FOLDER / "progress.json"

    def read(self, plan: str) -> PlanProgress:
        """Return the progress of the plan of this name; nothing done if there is none.

        Raises:
            PlanError: the file is not one of ours.
        """
        return self._file().plans.get(plan, PlanProgress())

    def uncommitted(self) -> set[tuple[str, str]]:
        """Return path and SHA-256 of every file that a run without commits has left, of all plans.

        Raises:
            PlanError: the file is not one of ours.
        """
        return {item for plan in self._file().plans.values() for item in plan.files.items()}

    def write(self, plan: str, progress: PlanProgress) -> None:
        """Keep the progress of a plan; a reader sees the old file or the new one.

        Raises:
            OSError: it cannot be written.
        """
        plans = {**self._file().plans, plan: progress}
        data = encoded(_File(plans=plans), indent=1)
        state_folder(self._root)
        fresh = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        write_unlinked(fresh, data.decode())
        fresh.replace(self.path)

    def _file(self) -> _File:
        try:
            file = decoded(self.path.read_bytes(), _File)
        except (FileNotFoundError, NotADirectoryError):
            return _File()
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PlanError(f"{self.path} cannot be read: {reason(error)}", hint=_DELETE) from error
        if file.v != _VERSION:
            raise PlanError(f"{self.path} has version {file.v}, known is {_VERSION}", hint=_DELETE)
        return file


_DELETE = "delete it, and the plan starts anew; what is committed stays"


def step_keys(steps: Iterable[Step]) -> list[str]:
    """Return a key for each step: its digest, counted where the same text stands twice."""
    seen: Counter[str] = Counter()
    keys = []
    for step in steps:
        seen[step.digest] += 1
        n = seen[step.digest]
        keys.append(step.digest if n == 1 else f"{step.digest}#{n}")
    return keys
