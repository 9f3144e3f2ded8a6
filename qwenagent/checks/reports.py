"""Reads what test runners report: the JUnit XML of pytest, the text of `unittest -v`.

Ids stay the same from run to run: `tests/test_a.py::TestX::test_y[1]` and
`tests.test_a.TestX.test_y`. A file or class that could not be loaded or set up is a failed test
under its own id. Starts nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from qwenagent.checks.failures import reduce_traceback, shorten
from qwenagent.protocol.checks import TestStatus

_MAX_REPORT_BYTES = 64 << 20
_MAX_MESSAGE_CHARS = 1000

_HEAVY = re.compile(r"^={70}$", re.MULTILINE)
_LIGHT = re.compile(r"^-{70}$", re.MULTILINE)
_STARTED = re.compile(r"([\w.]+) \(([\w.]+)\)(.*)$")
_ENDED = re.compile(r"(?:^|\s)(ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$")
_FAILED = re.compile(r"\s*(?:FAIL|ERROR): ([\w.]+) \(([\w.]+)\)(.*)")
_N_RAN = re.compile(r"^Ran (\d+) tests? in ", re.MULTILINE)
_NOTHING = re.compile(
    r"^(?:=+ )?(?:no tests ran|\d+ deselected in)\b|^Ran 0 tests in |^(?:# |\u2139 )tests 0$",
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


def nothing_ran(output: str) -> bool:
    """True if a runner says that it found no test and none says that it ran one."""
    ran = any(int(match[1]) for match in _N_RAN.finditer(output))
    return not ran and _NOTHING.search(output) is not None


def read_junit(path: Path, root: Path, cwd: Path) -> Report:
    """Read pytest's report in the family xunit1; empty if it is missing or was not finished."""
    report = Report()
    if not path.is_file() or path.stat().st_size > _MAX_REPORT_BYTES:
        return report
    try:
        tree = ElementTree.parse(path)
    except ElementTree.ParseError:
        return report
    for case in tree.iter("testcase"):
        bad = [item for item in case if item.tag in ("failure", "error")]
        for item in bad:
            report.add(_node_id(case), "failed", _message(item, root, cwd))
        if not bad:
            skipped = case.find("skipped") is not None
            report.add(_node_id(case), "skipped" if skipped else "passed")
    return report


def _node_id(case: ElementTree.Element) -> str:
    name, owner, file = (case.get(key, "") for key in ("name", "classname", "file"))
    module = file.removesuffix(".py").replace("/", ".")
    if not owner:  # the file itself, not collected
        return file if file and module == name else name
    if file and (owner == module or owner.startswith(f"{module}.")):
        return "::".join([file, *owner[len(module) + 1 :].split("."), name]).replace("::::", "::")
    return f"{owner}::{name}"


def _message(item: ElementTree.Element, root: Path, cwd: Path) -> str:
    said = item.get("message", "")
    text = reduce_traceback(item.text or "", root, cwd)
    return text or shorten(f"E   {said or (item.text or '').strip()}", _MAX_MESSAGE_CHARS)


def read_unittest(output: str, root: Path, cwd: Path) -> Report:
    """Read the text of `python -m unittest -v`."""
    report = Report()
    progress, *sections = _HEAVY.split(output)
    statuses, last = _progress(_LIGHT.split(progress)[0])
    for section in sections:
        _add_failure(report, section, root, cwd)
    if last and last not in statuses and not _N_RAN.search(output):
        report.add(last, "failed", "E   the test run ended in the middle of this test")
    for test, status in statuses.items():
        if test not in report.statuses:
            report.add(test, status)
    return report


def _progress(text: str) -> tuple[dict[str, TestStatus], str]:
    """Return the statuses, and the test that was announced last."""
    statuses: dict[str, TestStatus] = {}
    current = ""
    for line in text.splitlines():
        if (start := _STARTED.match(line)) and (not start[3] or start[3].startswith(" ...")):
            current = _dotted_id(start[1], start[2])
        # What the test prints stands between its name and its status, so the last one counts.
        if current and (end := _ENDED.search(line)):
            statuses[current] = _status(end[1])
    return statuses, current


def _status(word: str) -> TestStatus:
    if word == "ok":
        return "passed"
    return "skipped" if word.startswith(("skipped", "expected")) else "failed"


def _dotted_id(name: str, owner: str) -> str:
    if "._FailedTest" in owner:  # a module that could not be imported
        return name
    # Python 3.11 and later repeat the name behind the class.
    return owner if owner.endswith(f".{name}") else f"{owner}.{name}"


def _add_failure(report: Report, section: str, root: Path, cwd: Path) -> None:
    head, *rest = _LIGHT.split(section)
    if match := _FAILED.match(head):
        text = rest[0] if rest else ""
        said = reduce_traceback(text, root, cwd) or shorten(text.strip(), _MAX_MESSAGE_CHARS)
        subtest = f"subtest {match[3].strip()}\n" if match[3].strip() else ""
        report.add(_dotted_id(match[1], match[2]), "failed", subtest + said)
