"""Reads TAP as `node --test` writes it: nested subtests, details as indented YAML.

Ids are `suite::name`: TAP does not tell the file of a test that passed. A file that passed is no
test: it may have ended before any ran.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Names, Report, one_line
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.protocol.checks import TestStatus

_SUBTEST = re.compile(r"(\s*)# Subtest: (.*)$")
_POINT = re.compile(r"(\s*)(not ok|ok) \d+(?: - (.*?))?( # (?:SKIP|TODO|skip|todo)\b.*)?$")
_KEY = re.compile(r"\s*(\w+): ?(.*)$")
_LEVEL = 4  # columns of indent


@dataclass(slots=True)
class _Reading:
    report: Report = field(default_factory=Report)
    names: Names = field(default_factory=Names)
    above: list[str] = field(default_factory=list)


def read_tap(output: str, places: Places) -> Report:
    """Read TAP; empty if the output holds none."""
    reading = _Reading()
    lines = output.splitlines()
    for index, line in enumerate(lines):
        if start := _SUBTEST.match(line):
            level = len(start[1]) // _LEVEL
            reading.above = [*reading.above[:level], _plain(start[2])]
        elif point := _POINT.match(line):
            _take(reading, point, _details(lines, index + 1, len(point[1])), places)
    return reading.report


def _plain(name: str) -> str:
    return one_line(re.sub(r"\\(.)", r"\1", name))


def _details(lines: list[str], start: int, indent: int) -> dict[str, str]:
    """Read the YAML block behind a test point: plain values, and blocks of lines."""
    found: dict[str, str] = {}
    key = ""
    if start >= len(lines) or lines[start].strip() != "---":
        return found
    for line in lines[start + 1 :]:
        if line.strip() == "..." and len(line) - len(line.lstrip()) <= indent + 2:
            break
        entry = _KEY.match(line)
        if entry and len(line) - len(line.lstrip()) == indent + 2:
            key = entry[1]
            found[key] = "" if entry[2] in ("|-", "|", ">-") else entry[2].strip("'\"")
        elif key:
            found[key] += f"\n{line[indent + 4 :]}"
    return found


def _take(reading: _Reading, point: re.Match[str], details: dict[str, str], places: Places) -> None:
    level = len(point[1]) // _LEVEL
    titles = [*reading.above[:level], _plain(point[3] or "")]
    reading.above = reading.above[:level]
    failed = point[2] == "not ok" and not point[4]
    if details.get("type") == "suite" and details.get("failureType", "") in ("", "subtestsFailed"):
        return
    if not level and not failed and places.is_script(titles[0]):
        return
    titles[0] = places.inside(titles[0]) or titles[0]
    test = reading.names.unique("::".join(titles))
    status: TestStatus = "failed" if failed else "skipped" if point[4] else "passed"
    reading.report.add(test, status, _failure(details, places) if failed else "")


def _failure(details: dict[str, str], places: Places) -> str:
    wanted = [f"{key}: {details[key].strip()}" for key in ("expected", "actual") if key in details]
    error = details.get("error", "").strip()
    if details.get("failureType") == "subtestsFailed" or "\n" in error:
        wanted = []
    stack = [f"    at {line}" for line in details.get("stack", "").splitlines() if line.strip()]
    return reduce_stack("\n".join([error, *wanted, *stack]), places)
