"""Reads what `node --test` reports: events from a reporter of our own.

Ids are `test/cart.test.js::suite::name`. A file that ended badly without a test to blame, such as
one that does not parse, is a failed test under its own name. Older versions wrap the tests of a
file in one test named like the file, which is left out of the ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Names, Report, is_written, one_line
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.protocol.checks import TestStatus

_MAX_SAID_CHARS = 4000
_MAX_NESTING = 100
"""Of suites in suites; more says that somebody else wrote the report."""
_OF_CHILDREN = "subtestsFailed"

# https://nodejs.org/api/test.html#custom-reporters: one line of JSON for each event.
REPORTER = """\
import { inspect } from "node:util";

function failure(error) {
  const cause = error?.cause ?? error;
  if (cause === undefined || cause === null) return "";
  let text = cause.stack ?? cause.message ?? (typeof cause === "string" ? cause : inspect(cause));
  if (cause.code === "ERR_ASSERTION" && cause.generatedMessage === false) {
    text = `expected: ${inspect(cause.expected)}\\nactual: ${inspect(cause.actual)}\\n${text}`;
  }
  return String(text);
}

export default async function* (source) {
  for await (const { type, data } of source) {
    if (type === "test:stderr") {
      yield JSON.stringify({ type, file: data.file, said: data.message }) + "\\n";
    } else if (type === "test:start" || type === "test:pass" || type === "test:fail") {
      const { name, nesting, file, skip, todo, details } = data;
      const kind = details?.type, why = details?.error?.failureType;
      const text = type === "test:fail" ? failure(details?.error) : "";
      yield JSON.stringify({ type, name, nesting, file, skip, todo, kind, why, text }) + "\\n";
    }
  }
}
"""


@dataclass(slots=True)
class _Reading:
    places: Places
    report: Report = field(default_factory=Report)
    names: Names = field(default_factory=Names)
    above: dict[str, list[str]] = field(default_factory=dict)  # file -> names by nesting
    said: dict[str, str] = field(default_factory=dict)  # file -> standard error
    broken: dict[str, str] = field(default_factory=dict)  # id -> file that ended badly


def read_node(path: Path, places: Places) -> Report:
    """Read the lines of `REPORTER`; empty if there are none."""
    reading = _Reading(places)
    for event in _events(path):
        _take(reading, event)
    for test, file in reading.broken.items():
        if said := reading.said.get(places.file(file)):
            reading.report.failures[test] = reduce_stack(said, places)
    return reading.report


def has_node_events(path: Path) -> bool:
    """Return whether `REPORTER` wrote anything, be it only that a file ran."""
    return next(_events(path), None) is not None


def _events(path: Path) -> Iterator[dict[str, Any]]:
    if not is_written(path):
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):  # the run was stopped in the middle of a line
                continue
            if isinstance(event, dict):
                yield event


def _take(reading: _Reading, event: dict[str, Any]) -> None:
    file = str(event.get("file") or "")
    if event.get("type") == "test:stderr":
        # Newer versions name the file here as it was found, elsewhere in full.
        local = reading.places.file(file)
        known = reading.said.get(local, "")
        if len(known) < _MAX_SAID_CHARS:
            reading.said[local] = known + str(event.get("said"))
        return
    name, nesting = str(event.get("name", "")), _nesting(event)
    above = reading.above.setdefault(file, [])
    del above[nesting:]
    if event.get("type") == "test:start":
        above += [""] * (nesting - len(above)) + [name]
    else:
        _take_result(reading, event, file or name, [*above, name])


def _nesting(event: dict[str, Any]) -> int:
    value = event.get("nesting")
    return value if isinstance(value, int) and 0 <= value <= _MAX_NESTING else 0


def _take_result(reading: _Reading, event: dict[str, Any], file: str, names: list[str]) -> None:
    failed = event.get("type") == "test:fail" and not event.get("todo")
    own = [n for n in names if n and not _is_file(n, file)]
    if not own and not failed:
        return
    if event.get("kind") == "suite" and not (failed and event.get("why") != _OF_CHILDREN):
        return
    if not own and event.get("why") == _OF_CHILDREN:
        return
    local = reading.places.file(file)
    test = reading.names.unique("::".join([local, *map(one_line, own)]))
    if not own:
        reading.broken[test] = file
    text = str(event.get("text") or "")
    reading.report.add(test, _status(event, failed), reduce_stack(text, reading.places))


def _is_file(name: str, file: str) -> bool:
    return name == file or (len(name) > 1 and file.endswith(f"/{name}"))


def _status(event: dict[str, Any], failed: bool) -> TestStatus:
    if failed:
        return "failed"
    return "skipped" if event.get("skip") or event.get("todo") else "passed"
