"""Runs the literal examples of a plan's step against the project. Python and JavaScript."""

from qwenagent.checks.examples.check import SHOWN, example_check
from qwenagent.checks.examples.defining import places, runnable

__all__ = ["SHOWN", "example_check", "places", "runnable"]
