"""What a run tells of code that could not be built or loaded: its file, in the place of its tests.

That is no test, and is in no run where it could be. Reads files, runs nothing.
"""

from __future__ import annotations

import re

from qwenagent.checks.testfiles import is_test_file
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Workspace


def is_unbuilt(run: TestRun, tree: Workspace) -> bool:
    """Whether no test ran: all that fails is files."""
    red = [test for test, status in run.statuses.items() if status == "failed"]
    return bool(red) and not run.n_passed and all(map(tree.exists, red))


def has_tests(run: TestRun, tree: Workspace) -> bool:
    """Whether there may be tests in a run: it found some, and tells of more than files."""
    return run.collected and not (run.statuses and all(map(tree.exists, run.statuses)))


def is_of_program(test: str, tree: Workspace) -> bool:
    """Whether this is a file of the program itself, which did not compile."""
    return "::" not in test and not is_test_file(test) and tree.is_file(test)


def passes(test: str, run: TestRun, tree: Workspace) -> bool:
    """Whether a test passes; of what could not be built or loaded before, all that is in it."""
    if test in run.statuses:
        return run.statuses[test] == "passed"
    inside = {s for other, s in run.statuses.items() if _is_within(other, test)}
    if inside:
        return "passed" in inside and "failed" not in inside
    return run.exit_code == 0 and not run.timed_out and tree.exists(test)


def _is_within(test: str, whole: str) -> bool:
    """Whether an id begins with that of a file, module or class."""
    return test.startswith(whole) and not re.match(r"\w", test[len(whole) :])
