"""Chooses what to read of a finished run: the report that was asked for, else what was printed.

Knows which runner it was; how each report is read is said in `reports`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.checks import reports
from qwenagent.checks.anatomy import Kind
from qwenagent.checks.reports import Report
from qwenagent.checks.reports.places import Places
from qwenagent.sandbox import Ran

_PYTEST_NOTHING = 5
_MAX_SHOWN_CHARS = 1_000_000
_MAX_LINE_CHARS = 4000


@dataclass(frozen=True, slots=True)
class Results:
    """What a run told."""

    report: Report
    output: str
    """The run's output as people read it."""
    collected: bool = True


def read_results(kind: Kind, ran: Ran, report: Path, places: Places) -> Results:
    """Read the results of a run of a runner of this kind; `report` may not have been written."""
    if kind == "go":
        found = reports.read_go(ran.output, places)
        return Results(
            _unless_cut(found.report, ran), _shortened(found.text), not found.nothing_ran
        )
    results = _read(kind, ran, report, places)
    return Results(results, ran.output, not _is_empty(kind, ran, results))


def _read(kind: Kind, ran: Ran, report: Path, places: Places) -> Report:
    if kind == "pytest":
        return reports.read_junit(report, places)
    if kind in _REPORTS:
        results = _REPORTS[kind](report, places)
        # Node's own reporter leaves out what the text would add: a file that ran no test.
        if results.statuses or (kind == "node" and reports.has_node_events(report)):
            return results
    if kind not in _TEXTS:
        return Report()
    # No line that says something is longer; a bundle printed in one line is.
    text = re.sub(rf"^(.{{{_MAX_LINE_CHARS}}}).+$", r"\1", ran.output, flags=re.MULTILINE)
    return _unless_cut(_TEXTS[kind](text, places), ran)


def _unless_cut(results: Report, ran: Ran) -> Report:
    """Drop what was read of an output with a hole: it may be the half of it."""
    return Report() if ran.cut_bytes else results


def _read_node_text(output: str, places: Places) -> Report:
    found = reports.read_tap(output, places)
    return found if found.statuses else reports.read_node_spec(output, places)


def _read_mocha(output: str, places: Places) -> Report:
    found = reports.read_mocha(output, places)
    if not found.statuses:
        reports.add_tsc_errors(found, output, places)
    return found


_REPORTS: dict[Kind, Callable[[Path, Places], Report]] = {
    "node": reports.read_node,
    "jest": reports.read_jest,
    "vitest": reports.read_jest,
}
_TEXTS: dict[Kind, Callable[[str, Places], Report]] = {
    "unittest": reports.read_unittest,
    "django": reports.read_unittest,
    "node": _read_node_text,
    "jest": reports.read_jest_text,
    "vitest": reports.read_vitest_text,
    "mocha": _read_mocha,
    "cargo": reports.read_cargo,
}


def _is_empty(kind: Kind, ran: Ran, results: Report) -> bool:
    """True if the runner says that there was nothing to run."""
    if kind == "pytest":
        said = ran.exit_code == _PYTEST_NOTHING
        return said or (not results.statuses and reports.nothing_ran(ran.output))
    if results.statuses:
        return kind in ("unittest", "django") and reports.nothing_ran(ran.output)
    if kind == "cargo":
        return reports.nothing_ran_cargo(ran.output)
    return reports.nothing_ran(ran.output)


def _shortened(text: str) -> str:
    if len(text) <= _MAX_SHOWN_CHARS:
        return text
    half = _MAX_SHOWN_CHARS // 2
    n_cut = len(text) - 2 * half
    return f"{text[:half]}\n[... {n_cut} characters cut ...]\n{text[-half:]}"
