"""The fields in a piece of Markdown: `Files:`, `Test:`, `Done when:`, `Depends on:` and so on.

Knows neither steps nor what the numbers in `Depends on:` refer to.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from qwenagent.plan.fields.names import NOTHING, Name, escalation_named, kind_named
from qwenagent.plan.fields.rows import MOST_VALUES, Row, joined, rows_of, value_rows
from qwenagent.plan.fields.testing import read_test
from qwenagent.plan.labels import plain_number
from qwenagent.plan.paths import listed
from qwenagent.plan.values import EscalateKind, StepKind

_RANGE = re.compile(
    r"(?<![\d.])(\d{1,4})\s*(?:-|\u2013|—|[~\uff5e\u301c至]|\b(?:to|through|bis|à|a|al|до)\b)"
    r"\s*(?:step\s*)?"
    r"(\d{1,4})(?!\.?\d)"
)
# Only ASCII around it: there are no blanks in "ステップ1" and "第2步".
_NUMBER = re.compile(r"(?<![A-Za-z0-9_.])[T#]?(\d{1,9}(?:\.\d{1,9})*)(?![A-Za-z0-9_])")
_RANGE_LIMIT = 1000
_DEPENDS_LIMIT = 500  # characters; a few of them can name a thousand steps


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields of one text say."""

    files: tuple[str, ...] = ()
    test: str | None = None
    test_code: str | None = None
    test_lang: str = ""
    test_path: str = ""
    done_when: str = ""
    depends_on: tuple[str, ...] = ()
    """Numbers as written, without leading zeros."""
    kind: StepKind | None = None
    escalate: EscalateKind | None = None
    problems: tuple[str, ...] = ()
    """What was not understood, each the rest of a sentence that names the step."""


def read_fields(markdown: str, *, in_headings: bool = True) -> Fields:
    """Read all fields of a text; of the same field several times, all count.

    `in_headings` lets a heading "Files" behind the first line be a field.
    """
    rows = rows_of(markdown, in_headings=in_headings)
    values: dict[Name, list[list[Row]]] = {name: [] for name in get_args(Name)}
    for at, row in enumerate(rows):
        if row.field is not None:
            values[row.field].append(value_rows(rows, at))
    files, bad_files = _files(values["files"])
    test = read_test(values["test"], [row.remark for row in rows if row.field == "test"])
    depends, bad_depends = _depends(values["depends"][:MOST_VALUES])
    kind, bad_kinds = _kind([row.value for row in rows if row.field == "kind"])
    asked = [escalation_named(row.value) for row in rows if row.field == "escalate"]
    done = [joined(value) for value in values["done"][:MOST_VALUES]]
    if not done and not test.command and not test.code:
        done = list(test.prose)
    return Fields(
        files=files,
        test=test.command,
        test_code=test.code,
        test_lang=test.lang,
        test_path=test.path,
        done_when="; ".join(filter(None, done)),
        depends_on=depends,
        kind=kind,
        escalate=next(filter(None, asked), None),
        problems=(*bad_files, *bad_depends, *bad_kinds),
    )


def _files(values: list[list[Row]]) -> tuple[tuple[str, ...], list[str]]:
    paths: list[str] = []
    bad: list[str] = []
    for row in (row for value in values for row in value):
        for line in row.text.split("\n"):
            good, unusable = listed(line)
            paths += good
            bad += unusable
    problems = [
        f"{name!r} in `Files:` is not the path of a file inside the repository; ignored"
        for name in dict.fromkeys(bad)
    ]
    return tuple(dict.fromkeys(paths)), problems


def _kind(values: list[str]) -> tuple[StepKind | None, list[str]]:
    kinds = [(value, kind_named(value)) for value in values]
    problems = [
        f"`Kind:` is {value[:40]!r}, which is none of edit, command and you; ignored"
        for value, kind in kinds
        if kind is None
    ]
    return next((kind for _, kind in kinds if kind), None), problems


def _depends(values: list[list[Row]]) -> tuple[tuple[str, ...], list[str]]:
    numbers: list[str] = []
    problems: list[str] = []
    for value in values:
        text = re.sub(r"\([^()]*\)", " ", joined(value)[:_DEPENDS_LIMIT])
        found = _numbers(text)
        numbers += found
        if not found and not NOTHING.match(text):
            problems.append(f"`Depends on:` names no step by its number: {text[:60]!r}; ignored")
    return tuple(dict.fromkeys(numbers)), problems


def _numbers(text: str) -> list[str]:
    expanded = _RANGE.sub(_expanded, text)
    return [plain_number(number) for number in _NUMBER.findall(expanded)]


def _expanded(found: re.Match[str]) -> str:
    first, last = int(found[1]), int(found[2])
    if not first < last < first + _RANGE_LIMIT:
        return found[0]
    return ", ".join(map(str, range(first, last + 1)))
