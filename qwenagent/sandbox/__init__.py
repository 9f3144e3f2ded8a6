"""Runs the project's commands apart from this program: own process group, limits, no secrets."""

from qwenagent.sandbox.confine import Ran, find_program, run
from qwenagent.sandbox.environment import is_secret, scrubbed
from qwenagent.sandbox.output import clean_output

__all__ = ["Ran", "clean_output", "find_program", "is_secret", "run", "scrubbed"]
