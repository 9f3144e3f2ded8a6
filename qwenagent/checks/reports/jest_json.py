"""Reads the JSON report of Jest, and of Vitest, which writes the same form.

Ids are `src/cart.test.js::suite::name`. A file that could not be loaded is a failed test under
its own name.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Names, Report, is_written, one_line
from qwenagent.checks.reports.stacks import reduce_stack
from qwenagent.protocol.checks import TestStatus

# Jest explains at length how to configure it before it says what is wrong.
_ADVICE_START, _ADVICE_END = "Jest failed to parse a file.", "Details:"


def read_jest(path: Path, places: Places) -> Report:
    """Read a report; empty if it is missing or not finished."""
    report = Report()
    for result in _results(path):
        file = places.file(str(result.get("name", "")))
        names = Names()
        for case in _tables(result, "assertionResults"):
            titles = [*_list(case, "ancestorTitles"), case.get("title", "")]
            test = names.unique("::".join([file, *(one_line(str(t)) for t in titles)]))
            messages = "\n".join(str(m) for m in _list(case, "failureMessages"))
            status = _status(case)
            report.add(test, status, reduce_stack(messages, places) if status == "failed" else "")
        if result.get("status") == "failed" and not _has_failed(result):
            report.add(file, "failed", file_failure(str(result.get("message", "")), places))
    return report


def _results(path: Path) -> list[dict[str, Any]]:
    if not is_written(path):
        return []
    try:
        report = json.loads(path.read_text(encoding="utf-8", errors="replace"))
    except (ValueError, RecursionError):
        return []
    return _tables(report, "testResults") if isinstance(report, dict) else []


def _list(value: dict[str, Any], key: str) -> list[Any]:
    found = value.get(key)
    return found if isinstance(found, list) else []


def _tables(value: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return [item for item in _list(value, key) if isinstance(item, dict)]


def _has_failed(result: dict[str, Any]) -> bool:
    return any(case.get("status") == "failed" for case in _tables(result, "assertionResults"))


def _status(case: dict[str, Any]) -> TestStatus:
    status = case.get("status")
    if status in ("passed", "failed"):
        return "passed" if status == "passed" else "failed"
    return "skipped"


def file_failure(message: str, places: Places) -> str:
    """Reduce what Jest or Vitest says of a file that it could not load."""
    start, end = message.find(_ADVICE_START), message.find(_ADVICE_END)
    if 0 <= start < end:
        message = message[end + len(_ADVICE_END) :]
    message = message.replace("● Test suite failed to run", "")
    reduced = reduce_stack(message, places)
    # Without a frame of the project's own, the excerpt is all that shows the place.
    return reduced if "\nat " in reduced else reduce_stack(message, places, excerpts=True)
