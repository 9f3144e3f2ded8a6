"""`run_command`: a program that the model calls for. Offered only where the user's file says so.

It runs like a test, in the root of the tree and never elsewhere; what it changes is in the journal.
"""

from __future__ import annotations

from qwenagent.checks import starts_another, typed
from qwenagent.checks.judge import ending
from qwenagent.errors import ChecksError, WorkspaceError
from qwenagent.grammar import Offer
from qwenagent.loop.approving import Approvals
from qwenagent.loop.carrier import Carrier, Changes
from qwenagent.loop.context import fenced
from qwenagent.loop.ports import Ports
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.tools import ToolCall, ToolResult
from qwenagent.tools import SPECS, argv_of, cut_lines

NAME = "run_command"
TIMEOUT_S = 120.0
OUTPUT_LINES = 60
OUTPUT_CHARS = 4000


class CalledCommands:
    """Carries out the model's own commands."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._settings = ports.settings.commands
        self._carrier = Carrier(ports)

    def offers(self) -> list[Offer]:
        """Return the call if the user wants it to be there."""
        return [Offer(SPECS[NAME])] if self._settings.ask else []

    def run(self, call: ToolCall) -> ToolResult:
        """Run what the call says if it may; the answer is for the model in any case.

        Raises:
            Stopped: the run was stopped meanwhile.
        """
        try:
            argv = argv_of(call)
            command = TestCommand(argv, typed(argv), "model")
            if refused := self._why_not(command):
                return ToolResult(refused, is_error=True)
            run, changes = self._carrier.carry_out(command, lambda: self._start(command))
        except (ChecksError, WorkspaceError) as error:
            return ToolResult(error.message, is_error=True)
        self._ports.stop.check()
        return _told(run, changes, self._ports.workspace.changed())

    def _why_not(self, command: TestCommand) -> str:
        """Return why a command does not run; empty if a rule or the user allows it."""
        if not self._settings.ask:
            return f"{NAME} is not there; edit goes on"
        if command.argv in self._settings.allow:
            return ""
        if starts_another(command.argv):
            return (
                f"there is no shell here, and {command.argv[0]} starts another program; name that "
                "and its arguments, or call edit"
            )
        ports = self._ports
        approvals = Approvals(ports.workspace.root, ports.events, ports.approver)
        if approvals.grants_call(command):
            return ""
        return f"`{command.shown}` was not approved and did not run; go on without it"

    def _start(self, command: TestCommand) -> TestRun:
        own = self._ports.settings.tests.timeout_s
        return self._ports.runner.run(command, timeout_s=min(own or TIMEOUT_S, TIMEOUT_S))


def _told(run: TestRun, changes: Changes, changed: list[str]) -> ToolResult:
    lines = [f"`{run.command}` {ending(run)}"]
    if changed:
        lines.append(f"files that differ from the start of the step: {', '.join(changed)}")
    if changes.refused:
        lines.append(f"changed and not kept: {', '.join(changes.refused)}")
    if output := cut_lines(run.output.strip("\n"), OUTPUT_LINES, OUTPUT_CHARS):
        lines.append(fenced(output, "text"))
    is_error = run.exit_code != 0
    return ToolResult("\n".join(lines), is_error, details={"exit_code": run.exit_code})
