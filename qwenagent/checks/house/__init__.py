"""A project's own formatters and linters: which are configured, how they are run, what they say."""

from qwenagent.checks.house.complaints import Complaint, new_ones, read_complaints
from qwenagent.checks.house.configured import find_tools
from qwenagent.checks.house.tool import HouseTool, assigned, has_failed

__all__ = [
    "Complaint",
    "HouseTool",
    "assigned",
    "find_tools",
    "has_failed",
    "new_ones",
    "read_complaints",
]
