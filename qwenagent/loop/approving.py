"""Has everything approved that a plan or a repository makes run, all at once, before the first."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path

from qwenagent.errors import ApprovalNeeded
from qwenagent.plan import Step
from qwenagent.protocol.approval import Approver
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import ApprovalAsked, EventStream


def require_approval(
    root: Path,
    suites: Iterable[TestCommand | None],
    steps: Sequence[Step],
    events: EventStream,
    approver: Approver,
) -> None:
    """Ask for what the user did not type: commands, given tests, examples.

    Raises:
        ApprovalNeeded: the answer was no, or there is nobody to ask.
    """
    items = [suite.shown for suite in suites if suite and suite.origin != "flag"]
    items += [item for step in steps for item in _items(step)]
    if not items:
        return
    unique = tuple(dict.fromkeys(items))
    code = [text for step in steps for text in _code(step)]
    asked = ApprovalAsked(
        kind="commands",
        question="May these commands run in this repository?",
        items=unique,
        digest=hashlib.sha256("\0".join([str(root), *unique, *code]).encode()).hexdigest(),
    )
    events.emit(asked)
    answer = approver.ask(asked)
    events.emit(answer)
    if not answer.granted:
        raise ApprovalNeeded(
            f"{len(unique)} command(s) were not approved: {'; '.join(unique)}",
            hint="read them, then answer yes in a terminal, or pass --yes",
        )


def _items(step: Step) -> list[str]:
    found = [command for command in (step.test, step.command) if command]
    if step.test_code:
        n = len(step.test_code.splitlines())
        found.append(f"the test in step {step.number} ({n} lines of {step.test_lang or 'code'})")
    if step.examples:
        found.append(f"the {len(step.examples)} example(s) in step {step.number}")
    return found


def _code(step: Step) -> list[str]:
    return [step.test_code or "", *(example.call for example in step.examples)]
