"""What a step needs of the steps before it. Knows how they ended, not why."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qwenagent.loop.editing.targets import find_targets
from qwenagent.plan import Step
from qwenagent.protocol.events import StepState
from qwenagent.workspace import Workspace


def unmet_need(
    step: Step, others: Iterable[Step], state_of: Callable[[Step], StepState], tree: Workspace
) -> str:
    """Return why a step cannot be done because another one was not, empty if it can."""
    bad: dict[int, Step] = {}
    for other in others:
        state = state_of(other)
        if state in ("blocked", "skipped"):
            bad[other.number] = other
        elif state == "for_you" and other.number in step.depends_on:
            return f"it depends on step {other.number}, which is left to you: tick it first"
    for number in step.depends_on:
        if number in bad:
            return f"it depends on step {number}, which is not done"
    named = {*step.files, *step.mentions}
    for number, other in bad.items():
        for path in find_targets(other, tree).create:
            if path in named:
                return f"it needs {path}, which step {number} was to create"
    return ""
