"""Reads what test runners report: one module for each form of report.

Test ids stay the same from run to run, and are unique. Files stand in them relative to the
repository, before the first `::`, but in those of unittest, which are dotted. Starts nothing.
"""

from qwenagent.checks.reports.cargo_text import nothing_ran_cargo, read_cargo
from qwenagent.checks.reports.compilers import add_tsc_errors
from qwenagent.checks.reports.go_events import GoOutput, read_go
from qwenagent.checks.reports.jest_json import read_jest
from qwenagent.checks.reports.jest_text import read_jest_text, read_vitest_text
from qwenagent.checks.reports.junit import read_junit
from qwenagent.checks.reports.node_events import REPORTER, has_node_events, read_node
from qwenagent.checks.reports.node_exits import GUARD
from qwenagent.checks.reports.report import Report, nothing_ran
from qwenagent.checks.reports.tap_text import read_tap
from qwenagent.checks.reports.tree_text import read_mocha, read_node_spec
from qwenagent.checks.reports.unittest_text import read_unittest

__all__ = [
    "GUARD",
    "REPORTER",
    "GoOutput",
    "Report",
    "add_tsc_errors",
    "has_node_events",
    "nothing_ran",
    "nothing_ran_cargo",
    "read_cargo",
    "read_go",
    "read_jest",
    "read_jest_text",
    "read_junit",
    "read_mocha",
    "read_node",
    "read_node_spec",
    "read_tap",
    "read_unittest",
    "read_vitest_text",
]
