"""Reads a plan.md, as frontier models and people write them, into values. Runs nothing."""

from qwenagent.plan.reading import parse_plan, read_plan
from qwenagent.plan.task import task_plan
from qwenagent.plan.tick import ticked
from qwenagent.plan.values import Example, Plan, Step, StepKind, commands

__all__ = [
    "Example",
    "Plan",
    "Step",
    "StepKind",
    "commands",
    "parse_plan",
    "read_plan",
    "task_plan",
    "ticked",
]
