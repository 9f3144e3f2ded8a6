"""The study of edit forms: the same tasks with one answer each, in every form there is.

No repair and no further attempt: what is compared is what one answer of a form is worth.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qwenagent.evals.report import interval, share, table
from qwenagent.evals.rows import Row

ONE_ANSWER = ("loop.candidates=1", "loop.doubts=0", "loop.repairs=0", "loop.resamples=0")
"""The settings of every arm."""


@dataclass(frozen=True, slots=True)
class EditForm:
    """One arm of the study."""

    name: str
    arm: str
    """As --arm."""
    form: str
    """As the setting loop.form."""


FORMS = (
    EditForm("free text, whole file", "text", "whole"),
    EditForm("all in JSON, whole file", "json", "whole"),
    EditForm("JSON line and body, names free, whole file", "free", "whole"),
    EditForm("JSON line and body, whole file", "agent", "whole"),
    EditForm("body alone, whole file", "body", "whole"),
    EditForm("names free, symbol", "free", "symbol"),
    EditForm("symbol", "agent", "symbol"),
    EditForm("lines", "agent", "lines"),
    EditForm("search and replace", "agent", "search"),
    EditForm("gap in a symbol", "gap", "symbol"),
)

COLUMNS = (
    *("form", "model", "tasks", "n", "complete", "applied", "at the place", "passed", "95 %"),
    *("overruled", "tokens out", "median s"),
)


def form_of_row(row: Row) -> str:
    """Return the name of the form of a row, empty if it is none of the study."""
    wanted = (row.setup.arm, row.setup.settings.get("loop.form"))
    return next((form.name for form in FORMS if (form.arm, form.form) == wanted), "")


def study_table(rows: Iterable[Row]) -> str:
    """Return what came out, as Markdown: a line for each form, model and suite."""
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        if name := form_of_row(row):
            tasks = row.kind if row.suite == row.kind else f"{row.suite} {row.kind}"
            groups.setdefault((name, row.setup.model, tasks), []).append(row)
    return table(COLUMNS, [(*key, *_cells(group)) for key, group in groups.items()])


def _cells(rows: Sequence[Row]) -> tuple[str, ...]:
    n, passed = len(rows), sum(row.passed for row in rows)
    known = [row for row in rows if row.in_place is not None and row.applied]
    return (
        str(n),
        share(sum(row.applied + row.refused > 0 for row in rows), n),
        share(sum(row.applied > 0 for row in rows), n),
        share(sum(bool(row.in_place) for row in known), len(known)),
        share(passed, n),
        interval(passed, n),
        str(sum(row.overruled for row in rows)),
        f"{sum(row.completion_tokens for row in rows):,}",
        f"{statistics.median(row.seconds for row in rows):.1f}",
    )
