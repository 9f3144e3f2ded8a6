"""Reads the errors of compilers (rustc, go, tsc): one failed id for each file that has some.

Other lines are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from qwenagent.checks.failures import localise, shorten
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Report

_MAX_FILES = 10
_MAX_LINES = 20
_MAX_LINE_CHARS = 240

_RUST_ERROR = re.compile(r"error(?:\[E\d+\])?: (?!could not compile|aborting due|test failed)")
_RUST_PLACE = re.compile(r"\s*--> (.+?):(\d+):(\d+)$")
_RUST_END = re.compile(r"(?:error|warning)\b|Some errors have|For more information|\s+Compiling ")
# a/b.go:3:5: message, and vet's `vet: a/b.go:3:5: message`
_GO_ERROR = re.compile(r"(?:vet: )?(\S[^:]*\.go):(\d+)(?::\d+)?: (.+)$")
# a/b.ts(3,5): error TS2322: message, and with --pretty a/b.ts:3:5 - error TS2322: message
_TSC_ERROR = re.compile(r"(\S.*\.[cm]?tsx?)(?:\((\d+),\d+\):|:(\d+):\d+ -) (error TS\d+: .+)$")


def add_rust_errors(report: Report, output: str, places: Places) -> None:
    """Take the errors of rustc, each with its excerpt."""
    seen: dict[str, list[str]] = {}
    for block in _rust_blocks(output.splitlines()):
        place = next((m for line in block if (m := _RUST_PLACE.match(line))), None)
        if place:
            lines = seen.setdefault(places.file(place[1]), [])
            if block[0] not in lines:  # said for the library and again for its tests
                lines += [line for line in block if line.strip(" |")]
    _add(report, seen, places)


def _rust_blocks(lines: list[str]) -> Iterator[list[str]]:
    block: list[str] = []
    for line in [*lines, "error"]:
        if block and (not line.strip() or _RUST_END.match(line)):
            yield block
            block = []
        if block or _RUST_ERROR.match(line):
            block.append(line)


def add_go_errors(report: Report, output: str, places: Places) -> bool:
    """Take the errors of the go compiler and of vet; False if there are none."""
    seen: dict[str, list[str]] = {}
    for line in output.splitlines():
        if found := _GO_ERROR.match(line):
            file = places.file(found[1])
            seen.setdefault(file, []).append(f"{file}:{found[2]}: {found[3]}")
    _add(report, seen, places)
    return bool(seen)


def add_tsc_errors(report: Report, output: str, places: Places) -> None:
    """Take the errors of the TypeScript compiler."""
    seen: dict[str, list[str]] = {}
    for line in output.splitlines():
        if found := _TSC_ERROR.match(line):
            file = places.file(found[1])
            seen.setdefault(file, []).append(f"{file}:{found[2] or found[3]}: {found[4]}")
    _add(report, seen, places)


def _add(report: Report, seen: dict[str, list[str]], places: Places) -> None:
    for file, lines in list(seen.items())[:_MAX_FILES]:
        shown = [f"E   {localise(line, places.root)}" for line in dict.fromkeys(lines[:_MAX_LINES])]
        if len(lines) > _MAX_LINES:
            shown.append(f"E   ... {len(lines) - _MAX_LINES} more lines")
        report.add(file, "failed", "\n".join(shorten(line, _MAX_LINE_CHARS) for line in shown))
