"""What running the project's tests told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

TestStatus = Literal["passed", "failed", "skipped"]


@dataclass(frozen=True, slots=True)
class TestCommand:
    """A command that runs tests, and where it came from."""

    __test__ = False  # not a test class, whatever its name says to pytest

    argv: tuple[str, ...]
    """Run without a shell, unless it is ("bash", "-c", text) because the text needs one."""
    shown: str
    """As the user would type it."""
    origin: Literal["flag", "step", "plan", "repository", "detected", "model"]
    cwd: str = "."
    """Relative to the repository."""


@dataclass(frozen=True, slots=True)
class TestRun:
    """One run of a test command."""

    __test__ = False

    command: str
    exit_code: int
    seconds: float
    output: str
    """Standard output and error together, escape sequences removed, the middle cut if long."""
    statuses: dict[str, TestStatus] = field(default_factory=dict)
    """By test id; empty if the runner's output is not understood."""
    failures: dict[str, str] = field(default_factory=dict)
    """By test id: the message and frames of each failure, reduced."""
    timed_out: bool = False
    collected: bool = True
    """False if the runner says that there was nothing to run."""
    withheld: tuple[str, ...] = ()
    """Sentences on the limits that ended it, and on what the sandbox may have kept from it."""

    @property
    def green(self) -> bool:
        """True if the command ran something and all of it passed."""
        return self.exit_code == 0 and not self.timed_out and self.collected

    @property
    def n_passed(self) -> int:
        """Tests that passed, 0 if they were not counted."""
        return sum(s == "passed" for s in self.statuses.values())

    @property
    def n_failed(self) -> int:
        """Tests that failed, 0 if they were not counted."""
        return sum(s == "failed" for s in self.statuses.values())
