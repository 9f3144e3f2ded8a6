"""A step that failed, split in two by the model: from 7B on, since smaller ones plan badly."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.errors import PlanError
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.editing.context import system_message
from qwenagent.loop.editing.orders import prompt
from qwenagent.plan import Step, parse_plan
from qwenagent.protocol.messages import Message, Sampling

SPLIT_TOKENS = 300


def halves(step: Step, reason: str, asker: Asker) -> tuple[Step, ...]:
    """Return the two steps that the model makes of one that failed; none if it makes no two.

    Raises:
        Stopped, ContextOverflow, EngineCrashed: see `Asker.think`.
    """
    order = prompt("split.md", step=step.text.strip(), reason=reason)
    messages = (system_message(), Message("user", order))
    answer = asker.think(messages, "repair", Sampling(max_tokens=SPLIT_TOKENS))
    try:
        parts = parse_plan(answer, "the answer").steps
    except PlanError:
        return ()
    return tuple(_part(step, part) for part in parts) if len(parts) == 2 else ()


def _part(step: Step, part: Step) -> Step:
    """Return a part as the step that it is a part of: its tests are those of the whole."""
    return replace(
        step,
        title=part.title,
        text=part.text,
        files=part.files,
        mentions=part.mentions,
        examples=(),
    )
