"""Reads the JUnit XML of pytest, in the family xunit1.

Ids are node ids, `tests/test_a.py::TestX::test_y[1]`, with the file relative to the repository. A
file that could not be imported is a failed test under its own id.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

from qwenagent.checks.failures import shorten
from qwenagent.checks.reports.places import Places
from qwenagent.checks.reports.report import Report, is_written
from qwenagent.checks.reports.tracebacks import reduce_traceback

_MAX_MESSAGE_CHARS = 1000


def read_junit(path: Path, places: Places) -> Report:
    """Read pytest's report in the family xunit1; empty if it is missing or was not finished."""
    report = Report()
    if not is_written(path):
        return report
    try:
        tree = ElementTree.parse(path)
    except (ElementTree.ParseError, ValueError, LookupError):  # the last two: its encoding
        return report
    file = functools.cache(places.file)
    for case in tree.iter("testcase"):
        test = _node_id(case, file)
        bad = [item for item in case if item.tag in ("failure", "error")]
        for item in bad:
            report.add(test, "failed", _message(item, places))
        if not bad:
            skipped = case.find("skipped") is not None
            report.add(test, "skipped" if skipped else "passed")
    return report


def _node_id(case: ElementTree.Element, local: Callable[[str], str]) -> str:
    name, owner, file = (case.get(key, "") for key in ("name", "classname", "file"))
    module = file.removesuffix(".py").replace("/", ".")
    if not owner:  # the file itself, not collected
        return local(file) if file and module == name else name
    if file and (owner == module or owner.startswith(f"{module}.")):
        inner = owner[len(module) + 1 :].split(".") if owner != module else []
        return "::".join([local(file), *inner, name])
    return f"{owner}::{name}"


def _message(item: ElementTree.Element, places: Places) -> str:
    said = item.get("message", "")
    text = reduce_traceback(item.text or "", places)
    return text or shorten(f"E   {said or (item.text or '').strip()}", _MAX_MESSAGE_CHARS)
