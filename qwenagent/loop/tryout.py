"""The project's tests, because the user wants to see them. Changes nothing, judges nothing."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.checks import parse_command
from qwenagent.errors import ChecksError
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.loop.board import Board
from qwenagent.loop.evidence.limits import FIRST_S
from qwenagent.loop.options import RunOptions
from qwenagent.loop.planrun import PlanRun
from qwenagent.loop.ports import Ports
from qwenagent.plan import task_plan
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import TestsRan, TestsStarted
from qwenagent.workspace import tree_lock


def run_tests(ports: Ports, typed: str, folder: str) -> TestRun:
    """Run the command that was typed, else the one that a task would be judged by.

    Raises:
        ChecksError: there is none, or it cannot be run.
        ApprovalNeeded: it was not typed, and has to be approved.
        Stopped: it was stopped.
        TreeBusy: another agent works on this tree.
    """
    repository = ports.workspace.repository
    plan, options = task_plan("Run the tests."), RunOptions(folder=folder)
    with tree_lock(repository.private_folder(), "test"):
        if typed:
            suite = replace(parse_command(typed, "flag"), cwd=folder)
        else:
            found = PlanRun(ports, plan, "task", options, Board()).suite
            if found is None:
                raise ChecksError(
                    "no tests were found here", hint="name a command: /test make check"
                )
            approvals = Approvals(repository.root, ports.events, ports.approver)
            [granted] = approvals.require([Wanted(plan, found, ())])
            suite = granted.suite or found
        limit_s = ports.settings.tests.timeout_s or FIRST_S
        ports.events.emit(TestsStarted(suite.shown, "asked", limit_s))
        run = ports.runner.run(suite, timeout_s=limit_s)
        ports.stop.check()
        ports.events.emit(TestsRan(run, "asked"))
        return run
