"""Finds the command that runs a project's tests, from its files alone; one module a language.

README and CI files are not read, nothing is run.
"""

from qwenagent.checks.detect.choose import detect, detect_found, explain_none, projects
from qwenagent.checks.detect.place import Found

__all__ = ["Found", "detect", "detect_found", "explain_none", "projects"]
