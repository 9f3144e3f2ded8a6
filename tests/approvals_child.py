"""Asks on its terminal whether a command may run, and runs what was approved.

python -m tests.approvals_child ROOT STORE COMMAND [STEP-TEST]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from qwenagent.checks import TestRunner, parse_command
from qwenagent.errors import ApprovalNeeded
from qwenagent.loop import Stop
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.plan import parse_plan
from qwenagent.protocol.events import EventStream
from qwenagent.ui import RememberingApprover, TerminalApprover


def main(root: Path, store: Path, text: str, step: str = "") -> None:
    own = f"      Test: `{step}`\n" if step else ""
    plan = parse_plan(f"- [ ] Change it.\n{own}", "plan.md")
    approver = RememberingApprover(TerminalApprover(), store)
    approvals = Approvals(root, EventStream("run", ()), approver)
    try:
        [granted] = approvals.require([Wanted(plan, parse_command(text, "detected"), plan.steps)])
    except ApprovalNeeded as error:
        print(error.message)
        return
    assert granted.suite
    run = TestRunner(root, os.environ, Stop()).run(granted.suite, timeout_s=20)
    print(f"{run.command} says {run.output.strip()}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:])
