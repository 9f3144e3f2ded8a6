"""The project's tests as the loop uses them: told about, compared with a baseline."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from qwenagent.checks import TestRunner, is_trivial
from qwenagent.loop.stop import Stop
from qwenagent.loop.targets import is_test_file
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import EventStream, TestsRan, TestsStarted, Warned
from qwenagent.workspace import Workspace

Why = Literal["baseline", "step", "regression"]


@dataclass(slots=True)
class Tests:
    """Runs commands and keeps the last run of the whole suite that was accepted."""

    __test__ = False

    runner: TestRunner
    events: EventStream
    stop: Stop
    timeout_s: float
    suite: TestCommand | None = None
    baseline: TestRun | None = None

    def run(self, command: TestCommand, why: Why) -> TestRun:
        """Run a command.

        Raises:
            ChecksError: it cannot be run at all.
            Stopped: the run was stopped meanwhile.
        """
        self.events.emit(TestsStarted(command.shown, why, self.timeout_s))
        run = self.runner.run(command, timeout_s=self.timeout_s)
        self.stop.check()
        self.events.emit(TestsRan(run, why))
        return run

    def measure_baseline(self) -> None:
        """Run the suite before anything changes."""
        if self.suite:
            self.baseline = self.run(self.suite, "baseline")

    def useful(self, command: TestCommand | None) -> TestCommand | None:
        """Return the command unless it cannot fail, which is said."""
        if command and is_trivial(command):
            self.events.emit(
                Warned(f"`{command.shown}` cannot fail, so it is no evidence of anything")
            )
            return None
        return command


def files_of_tests(workspace: Workspace, *texts: str) -> list[str]:
    """Return the repository's test files that commands or test ids name, in order.

    `tests/test_a.py::TestB::test_c` and `tests.test_a.TestB.test_c` both name tests/test_a.py.
    """
    found: dict[str, None] = {}
    for word in (w for text in texts for w in re.split(r"[\s\"']+", text)):
        for path in _paths_in(word.split("::")[0]):
            if is_test_file(path) and (workspace.root / path).is_file():
                found[path] = None
                break
    return list(found)


def _paths_in(word: str) -> Iterable[str]:
    yield word.removeprefix("./")
    parts = word.split(".")
    for n in range(len(parts), 0, -1):
        yield "/".join(parts[:n]) + ".py"


def summary(run: TestRun | None) -> str:
    """Return a run in a few words, for tables and commit messages."""
    if run is None:
        return ""
    if run.timed_out:
        return f"timed out after {run.seconds:.0f} s"
    if run.statuses:
        return f"{run.n_passed} of {run.n_passed + run.n_failed} passed"
    if not run.collected:
        return "no tests"
    return "passed" if run.green else f"exit code {run.exit_code}"
