"""Reads the text of `python -m unittest -v`, and of Django's `manage.py test -v 2`.

Ids are dotted, `tests.test_a.TotalTest.test_b`, as unittest takes them. A module or class that
could not be loaded or set up is a failed test under its own id.
"""

from __future__ import annotations

import re

from qwenagent.checks.failures import shorten
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import N_RAN, Report
from qwenagent.checks.reports.tracebacks import reduce_traceback
from qwenagent.protocol.checks import TestStatus

_MAX_MESSAGE_CHARS = 1000

_HEAVY = re.compile(r"^={70}$", re.MULTILINE)
_LIGHT = re.compile(r"^-{70}$", re.MULTILINE)
_STARTED = re.compile(r"([\w.]+) \(([\w.]+)\)(.*)$")
_ENDED = re.compile(r"(?:^|\s)(ok|FAIL|ERROR|skipped .*|expected failure|unexpected success)$")
_FAILED = re.compile(r"\s*(?:FAIL|ERROR): ([\w.]+) \(([\w.]+)\)(.*)")


def read_unittest(output: str, places: Places) -> Report:
    """Read the text of `python -m unittest -v`."""
    report = Report()
    progress, *sections = _HEAVY.split(output)
    statuses, last = _progress(_LIGHT.split(progress)[0])
    for section in sections:
        _add_failure(report, section, places)
    if last and last not in statuses and not N_RAN.search(output):
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


def _add_failure(report: Report, section: str, places: Places) -> None:
    head, *rest = _LIGHT.split(section)
    if match := _FAILED.match(head):
        text = rest[0] if rest else ""
        said = reduce_traceback(text, places)
        said = said or shorten(text.strip(), _MAX_MESSAGE_CHARS)
        subtest = f"subtest {match[3].strip()}\n" if match[3].strip() else ""
        report.add(_dotted_id(match[1], match[2]), "failed", subtest + said)
