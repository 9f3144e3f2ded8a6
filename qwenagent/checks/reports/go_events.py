"""Reads `go test -json`, or the text of `go test -v`.

Ids are `calc/calc_test.go::TestAdd/small_one`; where the function is not found in the package's
test files, the package's folder stands for the file. A package that does not build is a failed
test for each file with errors.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.checks.reports.compilers import add_go_errors
from qwenagent.checks.reports.gomodules import GoModules
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Report
from qwenagent.checks.reports.stacks import Frame, described
from qwenagent.checks.smallfile import text_of
from qwenagent.protocol.checks import TestStatus

_ENDED = re.compile(r"--- (PASS|FAIL|SKIP): (\S+) \([\d.]+s\)$")
_TURN = re.compile(r"=== (RUN|CONT|PAUSE|NAME)\s+(\S+)$")
_PACKAGE_END = re.compile(r"(ok  |FAIL|\?   |---  )\t(\S+)(?:\t| \[)(.*)$")
_SAID = re.compile(r"\s+(\S+\.go):(\d{1,9}): (.*)$")
_STACK = re.compile(r"\t(/.+\.go):(\d{1,9})(?: \+0x[0-9a-f]+)?$")
_NOISE = re.compile(
    r"=== |\s*--- |exit status \d|FAIL$|goroutine \d+ \[|\[signal |\s*panic: .*\[rec"
)
_CALL = re.compile(r"\S.*\(.*\)$|created by ")
_FUNCTION = re.compile(r"^func (?:\([^)]*\) )?((?:Test|Benchmark|Example|Fuzz)\w*)\(", re.MULTILINE)
_STATUSES: dict[str, TestStatus] = {"pass": "passed", "fail": "failed", "skip": "skipped"}


@dataclass(slots=True)
class _Package:
    statuses: dict[str, TestStatus | None] = field(default_factory=dict)  # None: did not end
    said: dict[str, list[str]] = field(default_factory=dict)
    failed: bool = False
    builds: bool = True


@dataclass(frozen=True, slots=True)
class GoOutput:
    """A run of go: its results, and the text it would have printed without -json."""

    report: Report
    text: str
    nothing_ran: bool


def read_go(output: str, places: Places) -> GoOutput:
    """Read the events of `go test -json`, or the text of `go test -v`."""
    packages: dict[str, _Package] = {}
    shown: list[str] = []
    for package, test, action, text in _events(output):
        shown.append(text)
        state = packages.setdefault(package, _Package())
        _take(state, test, action, text)
    text = "".join(shown)
    report = Report()
    modules = GoModules(places.cwd, places.root)
    for name, state in packages.items():
        if name:
            _add(report, state, modules.folder(name), places)
    if any(not state.builds for state in packages.values()) or not report.statuses:
        _add_build_errors(report, text, places)
    n_run = sum(len(state.statuses) for state in packages.values())
    empty = not n_run and not report.statuses and _says_nothing(text)
    return GoOutput(report, text, empty)


def _says_nothing(text: str) -> bool:
    return "[no test files]" in text or "no tests to run" in text or "no packages to test" in text


def _events(output: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield package, test, action and printed text of each event or line."""
    plain: list[str] = []
    for line in output.splitlines(keepends=True):
        event = _event(line)
        if event is None:
            plain.append(line)
            continue
        yield from _of_text(plain)
        plain = []
        action = str(event.get("Action", ""))
        package = str(event.get("Package") or "")
        yield package, str(event.get("Test") or ""), action, str(event.get("Output") or "")
    yield from _of_text(plain)


def _event(line: str) -> dict[str, object] | None:
    if not line.startswith("{"):
        return None
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) and "Action" in event else None


def _of_text(lines: list[str]) -> Iterator[tuple[str, str, str, str]]:
    """Turn text into events; a package's name comes after its tests."""
    waiting: list[tuple[str, str, str]] = []
    test = ""
    for line in lines:
        bare = line.rstrip("\n")
        if turn := _TURN.match(bare):
            test = turn[2]
            waiting.append((test, "run" if turn[1] == "RUN" else "output", line))
        elif end := _ENDED.search(bare):
            test = end[2]
            waiting.append((test, "output", line))
        elif end := _PACKAGE_END.match(bare):
            yield from ((end[2], *event) for event in waiting)
            yield end[2], "", "output", line
            waiting, test = [], ""
        else:
            test = "" if bare in ("FAIL", "PASS") or bare.startswith("# ") else test
            waiting.append((test, "output", line))
    yield from (("", *event) for event in waiting)


def _take(state: _Package, test: str, action: str, text: str) -> None:
    if action == "run":
        state.statuses.setdefault(test, None)
    elif action in _STATUSES and test:
        state.statuses[test] = _STATUSES[action]
    if test and text:
        state.said.setdefault(test, []).append(text.rstrip("\n"))
    # Before Go 1.20 there is no event of its own where a test printed no newline at its end.
    if end := _ENDED.search(text.rstrip("\n")):
        state.statuses[end[2]] = _STATUSES[end[1].lower()]
    if end := _PACKAGE_END.match(text.rstrip("\n")):
        state.failed = end[1] == "FAIL"
        state.builds = "build failed" not in end[3] and "setup failed" not in end[3]


def _add(report: Report, state: _Package, folder: str, places: Places) -> None:
    files = _functions(places.root / folder)
    prefix = "" if folder == "." else f"{folder}/"
    here = Places(places.root, places.root / folder)
    # A test whose subtest failed says nothing itself, so it comes last.
    failed = (t.split("/") for t, s in state.statuses.items() if s == "failed" or s is None)
    parents = {"/".join(parts[:n]) for parts in failed for n in range(1, len(parts))}
    for test in sorted(state.statuses, key=lambda test: test in parents):
        status = state.statuses[test]
        file = files.get(test.partition("/")[0])
        owner = f"{prefix}{file}" if file else folder
        said = state.said.get(test, [])
        if status is None or status == "failed":
            reduced = reduce_go(said, here, ended=bool(status))
            empty = "E   a subtest failed" if test in parents else ""
            report.add(f"{owner}::{test}", "failed", reduced or empty)
        else:
            report.add(f"{owner}::{test}", status)


def reduce_go(lines: list[str], places: Places, *, ended: bool = True) -> str:
    """Reduce what a failed test printed: its messages, and the frames of a panic."""
    message: list[str] = [] if ended else ["the test run ended in the middle of this test"]
    frames: list[Frame] = []
    in_stack = False
    for line in lines:
        if said := _SAID.match(line):
            frames.append(Frame(said[1], int(said[2])))
            message.append(said[3])
        elif stack := _STACK.match(line):
            frames.append(Frame(stack[1], int(stack[2])))
        elif line.startswith("goroutine "):
            in_stack = True
        elif not _NOISE.match(line) and not (in_stack and _CALL.match(line)):
            message.append(line.strip())
    return described(message, frames, places)


def _add_build_errors(report: Report, text: str, places: Places) -> None:
    builds = [line for line in text.splitlines() if _TURN.match(line) is None]
    start = next((i for i, line in enumerate(builds) if line.startswith("# ")), None)
    failed = re.findall(r"^FAIL\t(\S+) \[(?:build|setup) failed\]", text, re.MULTILINE)
    if start is not None or failed or text.startswith("go: "):
        found = add_go_errors(report, "\n".join(builds[start or 0 :]), places)
        if not found:
            modules = GoModules(places.cwd, places.root)
            for name in failed:
                said = next((b for b in builds if name in b and "FAIL" not in b), "build failed")
                report.add(modules.folder(name), "failed", f"E   {said.strip()}")


def _functions(folder: Path) -> dict[str, str]:
    """Return the test file of each test function of a package."""
    files = sorted(folder.glob("*_test.go")) if folder.is_dir() else []
    texts = {file.name: text_of(file, errors="replace") for file in files}
    return {test: name for name, text in texts.items() for test in _FUNCTION.findall(text)}
