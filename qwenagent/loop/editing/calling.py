"""`run_command`: a program that the model calls for. Offered only where the user's file says so.

It runs like a test, in the root of the tree and never elsewhere; what it changes is in the journal.
"""

from __future__ import annotations

from dataclasses import replace

from qwenagent.checks import parse_command, starts_another, typed
from qwenagent.checks.command import is_shell
from qwenagent.checks.judge import ending
from qwenagent.errors import ChecksError, WorkspaceError
from qwenagent.grammar import Offer
from qwenagent.loop.approving import Approvals
from qwenagent.loop.carrier import Carrier, Changes
from qwenagent.loop.editing.context import fenced
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
            wanted = TestCommand(argv, typed(argv), "model")
            if refused := self._why_not(wanted):
                return ToolResult(refused, is_error=True)
            command = self._approved(wanted)
            if command is None:
                why = f"`{wanted.shown}` was not approved and did not run; go on without it"
                return ToolResult(why, is_error=True)
            run, changes = self._carrier.carry_out(command, lambda: self._start(command))
        except (ChecksError, WorkspaceError) as error:
            return ToolResult(error.message, is_error=True)
        self._ports.stop.check()
        told = _told(run, changes, self._ports.workspace.changed())
        if command == wanted:
            return told
        instead = f"the user had this run instead of `{wanted.shown}`:\n"
        return replace(told, content=instead + told.content)

    def _why_not(self, command: TestCommand) -> str:
        """Return which rule a command is against; empty if the user may be asked about it."""
        if not self._settings.ask:
            return f"{NAME} is not there; edit goes on"
        if command.argv in self._settings.allow:
            return ""
        if starts_another(command.argv):
            return f"{_no_shell(command)}; name that and its arguments, or call edit"
        return ""

    def _approved(self, wanted: TestCommand) -> TestCommand | None:
        """Return what may run: what a rule allows, or what the user says yes to."""
        if wanted.argv in self._settings.allow:
            return wanted
        ports = self._ports
        approvals = Approvals(ports.workspace.root, ports.events, ports.approver)
        return approvals.granted_call(wanted, _reread)

    def _start(self, command: TestCommand) -> TestRun:
        own = self._ports.settings.tests.timeout_s
        return self._ports.runner.run(command, timeout_s=min(own or TIMEOUT_S, TIMEOUT_S))


def _reread(text: str) -> TestCommand:
    """Read what the user wrote in the place of a call, within the same bounds.

    Raises:
        ChecksError, EditRefused: it cannot be read, or the model could not have called for it.
    """
    parsed = parse_command(text, "step")
    if is_shell(parsed.argv):
        raise ChecksError("there is no shell here; put quotes around what is meant as it is")
    if starts_another(parsed.argv):
        raise ChecksError(_no_shell(parsed))
    argv = argv_of(ToolCall(NAME, {"argv": list(parsed.argv)}))
    return TestCommand(argv, typed(argv), "model")


def _no_shell(command: TestCommand) -> str:
    return f"there is no shell here, and {command.argv[0]} starts another program"


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
