"""Reads the text of `cargo test`: stable Rust has no other report.

Ids are `src/lib.rs::tests::adds` and `tests/it.rs::adds`, with the file that the test program is
built from, and `src/lib.rs::doctest add` for examples in comments, which are counted where an
item has several. Code that does not compile is a failed test named by its file.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from qwenagent.checks.reports.compilers import add_rust_errors
from qwenagent.checks.reports.crates import crate_folders
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Report
from qwenagent.checks.reports.stacks import Frame, described, read_frame
from qwenagent.protocol.checks import TestStatus

_RUNNING = re.compile(r"\s*Running (unittests )?(?:(\S.*?) )?\((.+)\)$")
_DOC_TESTS = re.compile(r"\s*Doc-tests (\S+)$")
_TEST = re.compile(r"test (.+?)(?: - should panic| - compile(?: fail)?)? \.\.\. ?(.*)$")
_ENDED = re.compile(r"(?:.*\s)?(ok|FAILED|ignored)(?:, .*)?(?: <[\d.]+s>)?$")
_N_TESTS = re.compile(r"running (\d+) tests?$")
_SECTION = re.compile(r"---- (.+?)(?: - should panic| - compile(?: fail)?)? stdout ----$")
_DOC_NAME = re.compile(r"(.+?) - (?:(.+?) )?\(line (\d+)\)$")
_PANIC = re.compile(r"thread '.*'(?: \(\d+\))? panicked at (?:'(.*)', )?(.+?):(\d+):\d+:?$")
_OLD_PANIC_START = re.compile(r"thread '.*' panicked at '")
_FUNCTION = re.compile(r"\s+\d+: (.+)$")
_DIED = re.compile(r"process didn't exit successfully: `.*` (\(.*\))$")
_HINTS = ("note: run with `RUST_BACKTRACE", "note: Some details", "stack backtrace:")


@dataclass(slots=True)
class _Target:
    """One test program, or the examples of one crate."""

    file: str
    folder: Path
    is_doc: bool = False
    n_tests: int = 0
    ended: bool = False
    statuses: dict[str, TestStatus] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)


@dataclass(slots=True)
class _Reading:
    places: Places
    crates: dict[str, Path]
    targets: list[_Target] = field(default_factory=list)
    pending: str = ""  # a test whose status has not come yet
    section: list[str] | None = None
    died: str = ""


def read_cargo(output: str, places: Places) -> Report:
    """Read what `cargo test` printed."""
    reading = _Reading(places, crate_folders(places.cwd, places.root))
    for folder in places.also:
        reading.crates.update(crate_folders(folder, folder))
    for line in output.splitlines():
        _take(reading, line)
    report = Report()
    for target in reading.targets:
        _add(report, target, reading)
    if not reading.targets or "could not compile" in output:
        add_rust_errors(report, output, places)
    return report


def nothing_ran_cargo(output: str) -> bool:
    """True if test programs ran and none of them had a test to run."""
    counts = [found[1] for line in output.splitlines() if (found := _N_TESTS.match(line))]
    return {*counts} == {"0"} and "error" not in output


def _take(reading: _Reading, line: str) -> None:
    if start := _start(reading, line):
        reading.targets.append(start)
        reading.section, reading.pending = None, ""
    elif died := _DIED.search(line):
        reading.died = died[1]
    elif reading.targets:
        _take_line(reading, reading.targets[-1], line)


def _start(reading: _Reading, line: str) -> _Target | None:
    if found := _DOC_TESTS.match(line):
        return _Target("", reading.crates.get(found[1], reading.places.cwd), is_doc=True)
    if not (found := _RUNNING.match(line)):
        return None
    crate = PurePath(found[3]).name.rpartition("-")[0]
    path = found[2] or crate
    folder = _folder(reading, path, crate if found[1] else "")
    return _Target(_local(reading.places, folder, path), folder)


def _folder(reading: _Reading, path: str, crate: str) -> Path:
    """Return the package of a target; cargo runs a package's targets one after the other."""
    if crate in reading.crates:
        return reading.crates[crate]
    before = [reading.targets[-1].folder] if reading.targets else []
    candidates = [*before, *reading.places.also, reading.places.cwd, *reading.crates.values()]
    return next((c for c in candidates if _is_file(c / path)), reading.places.cwd)


def _local(places: Places, folder: Path, path: str) -> str:
    full = folder / path
    return places.file(str(full)) if _is_file(full) else places.file(path)


def _is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - the other one raises for a name that is too long


def _take_line(reading: _Reading, target: _Target, line: str) -> None:
    if count := _N_TESTS.match(line):
        target.n_tests = int(count[1])
    elif line.startswith("test result:"):
        target.ended, reading.section = True, None
    elif (head := _SECTION.match(line)) and head[1] in target.statuses:
        reading.section = target.sections.setdefault(head[1], [])
    elif line == "failures:":
        reading.section = None
    elif reading.section is not None:
        reading.section.append(line)
    else:
        _take_status(reading, target, line)


def _take_status(reading: _Reading, target: _Target, line: str) -> None:
    test = _TEST.match(line)
    if test:
        reading.pending = test[1]
    # What the test prints may stand between its name and its status.
    if reading.pending and (end := _ENDED.match(test[2] if test else line)):
        word = end[1]
        status: TestStatus = "passed" if word == "ok" else "skipped"
        target.statuses[reading.pending] = "failed" if word == "FAILED" else status
        reading.pending = ""


def _add(report: Report, target: _Target, reading: _Reading) -> None:
    ids = _ids(target, reading.places)
    places = replace(reading.places, also=(target.folder,))
    for name, status in target.statuses.items():
        failure = ""
        if status == "failed":
            failure = reduce_panic(target.sections.get(name, []), target.folder, places)
        report.add(ids[name], status, failure)
    if not target.ended and len(target.statuses) < target.n_tests:
        how = reading.died or "in the middle"
        report.add(target.file or "doctests", "failed", f"E   the test program ended {how}")


def _ids(target: _Target, places: Places) -> dict[str, str]:
    if not target.is_doc:
        return {name: f"{target.file}::{name}" for name in target.statuses}
    parts = {name: _DOC_NAME.match(name) for name in target.statuses}
    by_line = sorted(parts, key=lambda name: int(m[3]) if (m := parts[name]) else 0)
    ids: dict[str, str] = {}
    counts: dict[str, int] = {}
    for name in by_line:
        found = parts[name]
        file, item = (found[1], found[2] or "") if found else (name, "")
        base = f"{_local(places, target.folder, file)}::doctest {item}".rstrip()
        counts[base] = counts.get(base, 0) + 1
        ids[name] = base if counts[base] == 1 else f"{base}#{counts[base]}"
    return ids


def reduce_panic(lines: Sequence[str], folder: Path, places: Places) -> str:
    """Reduce what a failed test printed to the panic's message and the frames of the project.

    `folder` is the package's: frames count from there, the panic's place from the workspace.
    """
    start = next((i for i, line in enumerate(lines) if line.startswith("thread '")), 0)
    message: list[str] = []
    frames: list[Frame] = []
    function = ""
    for line in lines[start:]:
        if panic := _PANIC.match(line):
            frames.append(Frame(panic[2], int(panic[3])))
            message += [panic[1]] if panic[1] else []
        elif found := _FUNCTION.match(line):
            function = found[1]
        elif function and (frame := read_frame(line)):
            if not function.endswith("{{closure}}"):
                frames.append(Frame(str(folder / frame.path), frame.line))
        elif not line.startswith(_HINTS):
            message.append(_OLD_PANIC_START.sub("", line))
    return described(message, frames, places)
