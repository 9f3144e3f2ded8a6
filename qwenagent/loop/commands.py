"""Steps that are a command of the project: run, judged by its exit code, its changes taken over.

Knows nothing of models. What the command changes is found by comparing the tree before and after,
so it can be committed or undone like an edit.
"""

from __future__ import annotations

import shlex

from qwenagent.checks import is_trivial, parse_command
from qwenagent.checks.judge import ending
from qwenagent.errors import ChecksError
from qwenagent.loop.carrier import Carrier, Changes
from qwenagent.loop.evidence.judging import compare_suites
from qwenagent.loop.evidence.testing import Tests, summary
from qwenagent.loop.ports import Ports
from qwenagent.loop.step import StepResult, take_back
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import Warned
from qwenagent.workspace.history import History


class CommandRunner:
    """Carries out steps of the kind "command"."""

    def __init__(self, ports: Ports, tests: Tests) -> None:
        self._ports = ports
        self._tests = tests
        self._tree = ports.workspace
        self._history = History(ports.workspace.root)
        self._carrier = Carrier(ports)

    def run(self, step: Step) -> StepResult:
        """Run the step's command.

        Raises:
            Stopped: the run was stopped; what the command has changed is in the journal.
            WorkspaceError: it cannot be kept what the tree was like before.
        """
        try:
            command = parse_command(step.command or "", "step")
            run, changes = self._carrier.carry_out(
                command, lambda: self._tests.run(command, "step")
            )
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if changes.refused:
            return self._with_refused(command, run, changes)
        if run.exit_code or run.timed_out:
            return self._blocked(f"`{command.shown}` {ending(run)}", run)
        if broken := self._newly_failed():
            return self._blocked(broken, run)
        said = f"`{command.shown}` ended with exit code 0"
        changed = self._to_commit(command, changes)
        if is_trivial(command, self._tree.root):
            return StepResult("unverified", f"{said}, and cannot fail", changed=changed)
        return StepResult("solved", said, tests_after=summary(run), changed=changed)

    def _to_commit(self, command: TestCommand, changes: Changes) -> tuple[str, ...]:
        """Return what the command changed, but for files with work of the user's in them."""
        changed = self._tree.changed()
        if mixed := [path for path in changed if path in changes.theirs]:
            self._ports.events.emit(
                Warned(
                    f"`{command.shown}` changed {', '.join(mixed)}, of which you had a state that "
                    "is not committed; that is left to you"
                )
            )
        return tuple(path for path in changed if path not in changes.theirs)

    def _newly_failed(self) -> str:
        """Return which tests the command's changes have broken, empty if none."""
        if not self._tree.changed():
            return ""
        suite = self._tests.run_suite("regression", self._tree.changed())
        if suite is None:
            return ""
        broken = compare_suites(self._tests, suite)
        if not broken:
            self._tests.accept(suite)
        return broken

    def _blocked(self, why: str, run: TestRun) -> StepResult:
        patch = self._tree.patch()
        take_back(self._ports)
        return StepResult("blocked", why, tests_after=summary(run), patch=patch)

    def _with_refused(self, command: TestCommand, run: TestRun, changes: Changes) -> StepResult:
        """End a step that changed what cannot be put back: that stays, and is told."""
        there = [path for path in changes.refused if self._history.mode(changes.before, path)]
        back = f"git restore --source={changes.before[:12]} -- {shlex.join(there)}"
        self._ports.events.emit(
            Warned(
                f"`{command.shown}` changed {', '.join(changes.refused)}, which is left as it is",
                f"`{back}` takes that back" if there else "",
            )
        )
        why = next(iter(changes.refused.values()))
        return self._blocked(f"`{command.shown}` changed what no step may change: {why}", run)
