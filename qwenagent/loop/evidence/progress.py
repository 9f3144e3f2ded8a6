"""How far red tests get before they fail, and whether for something that is not there at all.

A test that a plan gives is often one of many asserts.
"""

from __future__ import annotations

import re

from qwenagent.loop.evidence.testcode import source_of_test
from qwenagent.loop.evidence.testsource import files_of_tests
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Workspace

FEW = 3
"""With more red tests than this their number tells attempts apart well enough."""
_MISSING = re.compile(
    r"(?<!NoneType' object )has no attribute|is not defined|cannot import name|No module named"
    r"|is not a function|undefined: |cannot find |does not exist|unresolved import",
)
_FRAME = re.compile(r"^at (.+?):(\d+)(?::|$)", re.MULTILINE)


def lines_passed(run: TestRun | None, tree: Workspace) -> int:
    """Return how many lines the red tests of a run have before the one that failed, in all.

    0 where more than a few are red, and for a test whose code or failing line is not known.
    """
    red = [test for test, status in run.statuses.items() if status == "failed"] if run else []
    if run is None or len(red) > FEW:
        return 0
    files = files_of_tests(tree, red)
    return sum(_lines(test, path, run.failures.get(test, ""), tree) for test, path in files.items())


def tells_of_missing(run: TestRun | None) -> bool:
    """Whether tests fail for something that is not there: then no function has to be at fault."""
    return run is not None and any(map(_MISSING.search, run.failures.values()))


def _lines(test: str, path: str, failure: str, tree: Workspace) -> int:
    text = tree.text(path) or ""
    source = source_of_test(test, path, text)
    begin = text.find(source.code) if source else -1
    if source is None or begin < 0:
        return 0
    first = text.count("\n", 0, begin) + 1
    last = first + source.code.count("\n")
    # Frames stand innermost first: the last one is the test's own, not of what it calls.
    rows = [int(row) for file, row in _FRAME.findall(failure) if file == path]
    return next((row - first for row in reversed(rows) if first <= row <= last), 0)
