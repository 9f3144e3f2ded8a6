"""A piece of Markdown as rows, which are lines of text and blocks of code, and what each field has.

A field stands at the start of a line, of a list item or alone in a heading, in any case, bold or
not. Its value is the rest of the line, else what follows: more lines, a list, a fenced block.
Knows nothing of what the values mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from qwenagent.plan.fields.names import Name, field_at, field_heading
from qwenagent.plan.markdown.document import strip_marker
from qwenagent.plan.markdown.inline import plain
from qwenagent.plan.markdown.leaves import Leaf, pieces

MOST_VALUES = 100
"""More values of one field than this are no plan but noise; the rest of them is left out."""
COLONS = (":", "\uff1a")


@dataclass(frozen=True, slots=True)
class Row:
    """A line of text or a block of code."""

    text: str
    depth: int
    paragraph: int
    is_code: bool = False
    info: str = ""
    field: Name | None = None
    value: str = ""
    remark: str = ""


def rows_of(markdown: str, *, in_headings: bool = True) -> list[Row]:
    """Return the rows of a text; `in_headings` lets headings behind the first line be fields."""
    return list(_rows(markdown, in_headings))


def _rows(markdown: str, in_headings: bool) -> Iterator[Row]:
    for number, piece in enumerate(pieces(markdown)):
        if piece.kind == "code":
            yield Row(piece.text, piece.depth, number, is_code=True, info=piece.info)
            continue
        for line in piece.text.split("\n"):
            # The heading that a text starts with is its title.
            yield _text_row(piece, line.strip(), number, in_headings and number > 0)


def _text_row(piece: Leaf, line: str, number: int, in_headings: bool) -> Row:
    line = strip_marker(line) if re.match(r"\[[ xX]\]\s", line) else line
    start = field_at(line)
    if start is not None:
        return Row(line, piece.depth, number, field=start.name, value=start.value,
                   remark=start.remark)  # fmt: skip
    may_be_heading = in_headings and piece.kind == "heading"
    heading = field_heading(plain(line)) if may_be_heading else None
    if heading is not None:
        return Row(line, piece.depth, number, field=heading)
    # A heading ends whatever stood before it: no list is so deep.
    return Row(line, -1 if piece.kind == "heading" else piece.depth, number)


def value_rows(rows: Sequence[Row], at: int) -> list[Row]:
    """Return the rows that are the value of the field in a row."""
    head = rows[at]
    value = [Row(head.value, head.depth, head.paragraph)] if head.value.strip("*_ ") else []
    return value + _following_value(rows, at, value)


def _following_value(rows: Sequence[Row], at: int, value: list[Row]) -> list[Row]:
    head = rows[at]
    following = _until_next_field(rows, at + 1)
    same = [row for row in following if row.paragraph == head.paragraph and not row.is_code]
    value = value + same
    after = following[len(same) :]
    deeper: list[Row] = []
    if not value or value[-1].text.rstrip("*_").endswith(COLONS):
        deeper = list(takewhile(lambda row: row.depth > head.depth, after))
    if not value and not deeper and after and after[0].depth == head.depth:
        return _first_paragraph(after, head)
    if head.field == "test" and value and not deeper:
        deeper = _announced_code(after)
    return same + deeper


def _first_paragraph(after: list[Row], head: Row) -> list[Row]:
    first = [row for row in after if row.paragraph == after[0].paragraph]
    return first + (_announced_code(after[len(first) :], first) if head.field == "test" else [])


def _announced_code(after: list[Row], before: Sequence[Row] = ()) -> list[Row]:
    """Return the block that comes next, and a line "in `tests/x.py`:" before it, if any."""
    if before and not before[-1].is_code and not before[-1].text.endswith(COLONS):
        return []
    if after and after[0].is_code:
        return list(after[:1])
    announced = len(after) > 1 and after[1].is_code and after[0].text.endswith(COLONS)
    return list(after[:2]) if announced and after[0].depth >= 0 else []


def _until_next_field(rows: Sequence[Row], start: int) -> list[Row]:
    end = start
    while end < len(rows) and rows[end].field is None:
        end += 1
    return list(rows[start:end])


def outside_fields(rows: Sequence[Row]) -> list[Row]:
    """Return the rows that are in no field and begin none."""
    inside = {
        id(row)
        for at, head in enumerate(rows)
        if head.field is not None
        for row in (head, *_following_value(rows, at, [head] if head.value else []))
    }
    return [row for row in rows if id(row) not in inside]


def joined(value: Sequence[Row]) -> str:
    """Return a value as one line: lines of a paragraph by spaces, the others by "; "."""
    paragraphs: dict[int, list[str]] = {}
    for row in value:
        paragraphs.setdefault(row.paragraph, []).append(row.text)
    lines = [plain(" ".join(lines)) for lines in paragraphs.values()]
    if len(lines) > 1 and lines[0].endswith(COLONS):
        lines[:2] = [f"{lines[0]} {lines[1]}"]
    return "; ".join(filter(None, lines))
