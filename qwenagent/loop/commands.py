"""Steps that are a command of the project: run, judged by its exit code, its changes taken over.

Knows nothing of models. What the command changes is found by comparing the tree before and after,
so it can be committed or undone like an edit.
"""

from __future__ import annotations

from qwenagent.checks import is_trivial, parse_command
from qwenagent.checks.judge import ending
from qwenagent.errors import ChecksError
from qwenagent.loop.judging import compare_suites
from qwenagent.loop.ports import Ports
from qwenagent.loop.step import StepResult
from qwenagent.loop.testing import Tests, summary
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import CheckpointMade
from qwenagent.workspace.history import History


class CommandRunner:
    """Carries out steps of the kind "command"."""

    def __init__(self, ports: Ports, tests: Tests) -> None:
        self._ports = ports
        self._tests = tests
        self._tree = ports.workspace
        self._repository = ports.workspace.repository
        self._history = History(self._repository.root)

    def run(self, step: Step) -> StepResult:
        """Run the step's command.

        Raises:
            Stopped: the run was stopped; what the command has changed is in the journal.
        """
        try:
            command = parse_command(step.command or "", "step")
            before = self._snapshot("before")
            try:
                run = self._tests.run(command, "step")
            finally:
                self._adopt(before)
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if run.exit_code or run.timed_out:
            return self._blocked(f"`{command.shown}` {ending(run)}", run)
        broken = self._newly_failed()
        if broken:
            return self._blocked(broken, run)
        changed = tuple(self._tree.changed())
        reason = f"`{command.shown}` ended with exit code 0"
        if is_trivial(command):
            return StepResult("unverified", f"{reason}, and cannot fail", changed=changed)
        return StepResult("solved", reason, tests_after=summary(run), changed=changed)

    def _snapshot(self, when: str) -> str:
        ref = f"refs/qwenagent/{self._ports.events.run}-command"
        return self._repository.snapshot(ref, f"{when} a command")

    def _adopt(self, before: str) -> None:
        """Enter what the command changed into the journal, as if it had been written here."""
        for path in self._history.changed(before, self._snapshot("after")):
            self._tree.adopt(path, self._history.content(before, path))

    def _newly_failed(self) -> str:
        """Return which tests the command's changes have broken, empty if none."""
        if not self._tree.changed():
            return ""
        suite = self._tests.run_suite("regression", self._tree.changed())
        return compare_suites(self._tests, suite) if suite else ""

    def _blocked(self, reason: str, run: TestRun) -> StepResult:
        patch = self._tree.patch()
        if self._tree.changed():
            self._tree.rollback()
            self._ports.events.emit(
                CheckpointMade("rollback", "start of the step", "the tree is as it was")
            )
        return StepResult("blocked", reason, tests_after=summary(run), patch=patch)
