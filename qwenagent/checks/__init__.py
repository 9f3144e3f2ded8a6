"""Finds the command that runs a project's tests, runs it with the project's tools, judges runs."""

from qwenagent.checks.command import parse_command
from qwenagent.checks.detect import detect
from qwenagent.checks.failures import reduce_output
from qwenagent.checks.interpreter import ProjectTools, project_tools
from qwenagent.checks.judge import Verdict, compare
from qwenagent.checks.runner import TestRunner
from qwenagent.checks.trivial import is_trivial

__all__ = [
    "ProjectTools",
    "TestRunner",
    "Verdict",
    "compare",
    "detect",
    "is_trivial",
    "parse_command",
    "project_tools",
    "reduce_output",
]
