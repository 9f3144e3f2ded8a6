"""Runs the literal examples of a plan's step against the project, in four languages."""

from qwenagent.checks.examples.check import SHOWN, example_check
from qwenagent.checks.examples.defining import places, runnable

__all__ = ["SHOWN", "example_check", "places", "runnable"]
