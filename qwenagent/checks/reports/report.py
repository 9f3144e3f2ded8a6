"""What is read from a test runner's report: statuses and reduced failures by test id."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.protocol.checks import TestStatus

_MAX_BYTES = 64 << 20
N_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
"""How unittest ends."""
_NOTHING = re.compile(
    r"^(?:=+ )?(?:no tests ran|\d+ deselected in)\b|^Ran 0 tests in |^(?:# |\u2139 )tests 0$"
    r"|^No tests? (?:files? )?found\b|^Error: No test files found|^  0 passing\b",
    re.MULTILINE,
)


@dataclass(slots=True)
class Report:
    """Status by test id, and of the failed ones message and frames."""

    statuses: dict[str, TestStatus] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, test: str, status: TestStatus, failure: str = "") -> None:
        """Take a result; a failure stays one, whatever else is said of the same test."""
        if self.statuses.get(test) != "failed":
            self.statuses[test] = status
        if status == "failed":
            known = self.failures.get(test, "")
            self.failures[test] = f"{known}\n{failure}".strip() if failure not in known else known


@dataclass(slots=True)
class Names:
    """Keeps tests of the same name apart: `a`, `a#2`, `a#3`, in the order of the file."""

    _seen: Counter[str] = field(default_factory=Counter)

    def unique(self, test: str) -> str:
        """Return the id for one more test of this name."""
        self._seen[test] += 1
        return test if self._seen[test] == 1 else f"{test}#{self._seen[test]}"


def one_line(name: str) -> str:
    """Return a test's name as it stands in an id."""
    return " ".join(name.split())


def is_written(path: Path) -> bool:
    """True if a runner has written a report, and none that is too large to be one."""
    return path.is_file() and path.stat().st_size <= _MAX_BYTES


def nothing_ran(output: str) -> bool:
    """True if a runner says that it found no test and none says that it ran one."""
    ran = any(match[1].strip("0") for match in N_RAN.finditer(output))
    return not ran and _NOTHING.search(output) is not None
