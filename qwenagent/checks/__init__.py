"""Finds the command that runs a project's tests, runs it with the project's tools, judges runs."""

from qwenagent.checks.command import parse_command
from qwenagent.checks.detect import Found, detect, detect_found, explain_none, projects
from qwenagent.checks.failures import reduce_output
from qwenagent.checks.interpreter import ProjectTools, project_tools
from qwenagent.checks.judge import Verdict, compare
from qwenagent.checks.runner import TestRunner
from qwenagent.checks.selection import select
from qwenagent.checks.trivial import is_trivial

__all__ = [
    "Found",
    "ProjectTools",
    "TestRunner",
    "Verdict",
    "compare",
    "detect",
    "detect_found",
    "explain_none",
    "is_trivial",
    "parse_command",
    "project_tools",
    "projects",
    "reduce_output",
    "select",
]
