"""Finds the command that runs a project's tests, runs it with the project's tools, judges runs."""

from qwenagent.checks.caution import cautions, programs, starts_another
from qwenagent.checks.command import parse_command, typed
from qwenagent.checks.definitions import definitions, script_notes
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
    "cautions",
    "compare",
    "definitions",
    "detect",
    "detect_found",
    "explain_none",
    "is_trivial",
    "parse_command",
    "programs",
    "project_tools",
    "projects",
    "reduce_output",
    "script_notes",
    "select",
    "starts_another",
    "typed",
]
