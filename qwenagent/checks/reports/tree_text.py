"""Reads the trees of tests that Mocha, `node --test` (spec) and Jest (verbose) print.

Ids are `suite::name`, behind the file where the runner says it. What is printed of each failure
below the tree is taken too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Names, Report, one_line
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.protocol.checks import TestStatus

_MARKS: dict[str, TestStatus] = {
    **dict.fromkeys("✓✔√", "passed"),
    **dict.fromkeys("✕✖\u00d7✗", "failed"),
    **dict.fromkeys("○◌-﹣✎⚠", "skipped"),
}
_TIME = r"(?: \(?[\d.]+ ?m?s\)?)?"
_RESULT = re.compile(
    rf"(\s*)(?:([{re.escape(''.join(_MARKS))}])|\d+\)) (.+?){_TIME}( # (?:SKIP|TODO).*)?$"
)
_SUITE = re.compile(rf"(\s*)(▶ )?(\S.*?){_TIME}$")
_JEST_FILE = re.compile(r"(?:PASS|FAIL) (?:\S+ )?(\S+\.[cm]?[jt]sx?)(?: \([\d.]+ m?s\))?$")
_END = re.compile(r"  \d+ (?:passing|failing|pending)\b|✖ failing tests:|\u2139 tests \d")
_MOCHA_FAILURE = re.compile(r"  \d+\) (.+)$")
_MOCHA_EXCEPTION = re.compile(r"\s*(?:Exception during run: |(?=\S*Error: ))(.*)$")
_NODE_PLACE = re.compile(r"test at (.+):\d+:\d+$")


@dataclass(slots=True)
class _Tree:
    report: Report = field(default_factory=Report)
    names: Names = field(default_factory=Names)
    suites: list[tuple[int, str]] = field(default_factory=list)  # indent, name
    file: str = ""

    def take(self, line: str, places: Places) -> None:
        """Read one line of a tree."""
        if result := _RESULT.match(line):
            _take_result(self, result, places)
        elif suite := _SUITE.match(line):
            _enter(self, suite)


def read_tree(output: str, places: Places) -> Report:
    """Read the statuses of Mocha's or node's tree; nothing of the failures but their names."""
    tree = _Tree()
    is_node = "\n\u2139 tests " in output
    for line in output.splitlines():
        if _END.match(line):
            break
        # Below a failed test, node shows the difference of two values, with `-` and `+`.
        if not (is_node and line.lstrip().startswith("- ")):
            tree.take(line, places)
    return tree.report


def read_jest_tree(output: str, places: Places) -> Report:
    """Read the statuses that Jest prints below a file's name, for one file or with --verbose."""
    tree = _Tree()
    in_tree = False
    for line in output.splitlines():
        if head := _JEST_FILE.match(line):
            tree.file, tree.suites, in_tree = places.file(head[1]), [], True
        elif not line.strip() or line.startswith("  ● "):
            in_tree = False
        elif in_tree:
            tree.take(line, places)
    return tree.report


def _take_result(tree: _Tree, found: re.Match[str], places: Places) -> None:
    indent = len(found[1])
    was_open = any(at == indent and name == one_line(found[3]) for at, name in tree.suites)
    tree.suites = [(at, name) for at, name in tree.suites if at < indent]
    if was_open:  # node repeats a suite with its mark when it ends
        return
    titles = [name for _, name in tree.suites] + [one_line(found[3])]
    titles[0] = places.inside(titles[0]) or titles[0] if titles[0].startswith("/") else titles[0]
    test = tree.names.unique("::".join([*([tree.file] if tree.file else []), *titles]))
    status = _MARKS[found[2]] if found[2] else "failed"
    tree.report.add(test, "skipped" if found[4] else status)


def _enter(tree: _Tree, found: re.Match[str]) -> None:
    indent = len(found[1])
    if found[2] or indent >= 2:
        tree.suites = [(at, name) for at, name in tree.suites if at < indent]
        tree.suites.append((indent, one_line(found[3])))


def read_mocha(output: str, places: Places) -> Report:
    """Read what Mocha's reporter `spec` prints."""
    report = read_tree(output, places)
    _, found, below = output.rpartition(" failing\n")
    for titles, body in _mocha_failures(below.splitlines() if found else []):
        test = next((t for t in _failed(report) if t.split("#")[0] == titles), titles)
        report.statuses[test] = "failed"
        report.failures[test] = reduce_stack(body, places)
    if not report.statuses:
        _add_exception(report, output, places)
    return report


def _failed(report: Report) -> list[str]:
    """Return the failed tests that nothing is said of yet."""
    return [t for t, s in report.statuses.items() if s == "failed" and not report.failures.get(t)]


def _mocha_failures(lines: list[str]) -> Iterator[tuple[str, str]]:
    titles: list[str] = []
    body: list[str] = []
    in_title = False
    for line in [*lines, "  0) end"]:
        if head := _MOCHA_FAILURE.match(line):
            if titles:
                yield "::".join(titles), "\n".join(body)
            titles, body, in_title = [], [], True
            line = head[1]
        if not in_title:
            body.append(line)
        elif line.strip():
            in_title = not line.endswith(":")
            titles.append(one_line(line.removesuffix(":")))


def _add_exception(report: Report, output: str, places: Places) -> None:
    """Take a file that could not be loaded; no test is run then."""
    lines = output.splitlines()
    start = next((i for i, line in enumerate(lines) if _MOCHA_EXCEPTION.match(line)), None)
    if start is None or "No test files found" in lines[start]:
        return
    text = "\n".join([_strip_exception(lines[start]), *lines[start + 1 :]])
    reduced = reduce_stack(text, places)
    place = re.search(r"^(/\S.*|[\w.].*\.[cm]?[jt]sx?):\d+$", text, re.MULTILINE)
    frame = re.search(r"^at (.+?):\d+", reduced, re.MULTILINE)
    file = places.inside(place[1]) if place else frame[1] if frame else ""
    report.add(file or "mocha", "failed", reduced)


def _strip_exception(line: str) -> str:
    return line.replace("Exception during run: ", "").strip()


def read_node_spec(output: str, places: Places) -> Report:
    """Read what node's reporter `spec` prints.

    A file that passed is no test: it may have ended before any ran.
    """
    report = read_tree(output, places)
    for name, status in list(report.statuses.items()):
        if status != "failed" and places.is_script(name):
            del report.statuses[name]
    _, _, below = output.partition("✖ failing tests:\n")
    name, body = "", list[str]()
    for line in [*below.splitlines(), "test at :0:0"]:
        if _NODE_PLACE.match(line):
            _fill(report, name, reduce_stack("\n".join(body), places))
            name, body = "", []
        elif not name and (head := _RESULT.match(line)):
            name = one_line(head[3])
        else:
            body.append(line)
    return report


def _fill(report: Report, name: str, failure: str) -> None:
    last = (t for t in _failed(report) if t.rpartition("::")[2].split("#")[0] == name)
    if name and (test := next(last, "")):
        report.failures[test] = failure
