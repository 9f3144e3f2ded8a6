"""One task of a suite, as a value: what the agent gets, and how what it leaves is judged.

Knows nothing of where tasks come from or of who solves them.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

Kind = Literal["edit", "fix", "plan", "call"]
"""edit: write code to a description. fix: find a fault. plan: carry out a plan.md, step by step.
call: one answer of the model, without a repository."""

REGRESSION = "regression"
"""The check of a plan's old tests: no step's, and without it nothing counts."""


@dataclass(frozen=True, slots=True)
class Check:
    """A test command that has to be green."""

    name: str
    argv: tuple[str, ...]
    """`python` stands for the interpreter that qwenagent runs on."""


@dataclass(frozen=True, slots=True)
class Task:
    """One task. Files are texts by their path from the root of the repository."""

    suite: str
    """Where it comes from: "shipped", or the name of a file."""
    kind: Kind
    id: str
    language: str
    level: int
    """1 easy, 2 medium, 3 hard; 0 unknown."""
    prompt: str
    """What the agent is told; for a plan, the plan."""
    base: dict[str, str]
    """The first commit, visible tests included."""
    tests: dict[str, str]
    """Laid over the agent's tree before it is judged."""
    checks: tuple[Check, ...]
    files: tuple[str, ...]
    """The files that are to be changed or made."""
    visible: bool
    """Whether the tests that judge are in the repository from the start."""
    seen: tuple[str, ...] = ()
    """The command whose tests are in the repository from the start, if there are any."""
    oracle: dict[str, str] | None = None
    """Laid over `base`, files that solve it; None if nobody wrote them."""

    @property
    def name(self) -> str:
        """What reports call it: unlike those of all other tasks of its suite."""
        return f"{self.kind}/{self.id}"

    @property
    def digest(self) -> str:
        """A hash over everything that it says: two tasks of one name may still be two."""
        text = json.dumps({**asdict(self), "suite": "", "oracle": None}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def steps(self) -> tuple[str, ...]:
        """The names of the checks that count one by one, in order."""
        return tuple(check.name for check in self.checks if check.name != REGRESSION)
