"""The command line: builds one engine, one workspace, one view, and hands them over. No logic."""

from qwenagent.cli.boundary import main

__all__ = ["main"]
