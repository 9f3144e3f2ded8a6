"""Reads the failures that Jest and Vitest print for people, where there is no JSON report.

Ids are those of the report. Tests that passed are known only where Jest prints its tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qwenagent.checks.reports.jest_json import file_failure
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Report, one_line
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.checks.reports.tree_text import read_jest_tree

_JEST_FILE = re.compile(r"FAIL (?:\S+ )?(\S+\.[cm]?[jt]sx?)(?: \([\d.]+ m?s\))?$")
_JEST_HEAD = re.compile(r"  ● (.+)$")
_NOT_LOADED = "Test suite failed to run"
_VITEST_HEAD = re.compile(r" FAIL  (?:\|.+?\| )?(.+?\.[cm]?[jt]sx?)((?: > .+?)?)(?: \[ .+ \])?$")


def read_jest_text(output: str, places: Places) -> Report:
    """Read what Jest prints."""
    report = read_jest_tree(output, places)
    for test in report.statuses:
        if report.statuses[test] == "failed":
            report.failures[test] = ""
    for file, title, body in _jest_blocks(output):
        local = places.file(file)
        if title == _NOT_LOADED:
            report.add(local, "failed", file_failure(body, places))
        else:
            test = "::".join([local, *map(one_line, title.split(" \u203a "))])
            report.add(test, "failed", reduce_stack(body, places))
    return report


def _jest_blocks(output: str) -> Iterator[tuple[str, str, str]]:
    file, title = "", ""
    body: list[str] = []
    for line in [*output.splitlines(), "end"]:
        head = _JEST_HEAD.match(line)
        if title and (head or (line and not line.startswith(" "))):
            yield file, title, "\n".join(body)
            title, body = "", []
        if found := _JEST_FILE.match(line):
            file = found[1]
        elif line.startswith("Summary of all failing tests"):
            return
        elif head and file:
            title = head[1]
        elif title:
            body.append(line)


def read_vitest_text(output: str, places: Places) -> Report:
    """Read what Vitest prints."""
    report = Report()
    tests: list[str] = []
    body: list[str] = []
    for line in [*output.splitlines(), "⎯⎯"]:
        if head := _VITEST_HEAD.match(line):
            titles = [one_line(title) for title in head[2].split(" > ") if title]
            tests.append("::".join([places.file(head[1]), *titles]))
        elif line.startswith("⎯⎯"):
            for test in tests:
                report.add(test, "failed", reduce_stack("\n".join(body), places))
            tests, body = [], []
        elif tests:
            body.append(line)
    return report
