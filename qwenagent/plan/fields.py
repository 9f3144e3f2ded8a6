"""The `Files:`, `Test:`, `Done when:` and `Depends on:` fields in a piece of Markdown.

A field stands at the start of a line, of a list item or alone in a heading, in any case, bold or
not. Its value is the rest of the line, else what follows: more lines, a list, a fenced block.
Knows neither steps nor what the numbers in `Depends on:` refer to.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from qwenagent.plan.command import command_in, commands_in_block, is_shell
from qwenagent.plan.document import Piece, pieces, strip_marker
from qwenagent.plan.inline import plain
from qwenagent.plan.labels import plain_number
from qwenagent.plan.paths import listed

Name = Literal["files", "test", "done", "depends"]

_NAMES = re.compile(
    r"""(?P<files>files?(?:\ (?:to|changed|touched|affected|involved|modified)\b[\w\ /&,-]{0,30})?)
      | (?P<test>tests?(?:\ (?:with|command))?|verify|verification|run\ tests)
      | (?P<done>done(?:\ when)?|acceptance(?:\ criteria)?|definition\ of\ done|success\ criteria)
      | (?P<depends>depends(?:\ on)?|dependencies|dependency|blocked\ by)""",
    re.VERBOSE | re.IGNORECASE,
)
_FIELD = re.compile(
    rf"[*_]{{0,3}}(?:{_NAMES.pattern})\s{{0,3}}[*_]{{0,3}}\s{{0,3}}[:\uff1a][*_]{{0,3}}\s*(?P<value>.*)$",
    re.VERBOSE | re.IGNORECASE,
)
_FIELD_HEADING = re.compile(rf"(?:{_NAMES.pattern})\s?:?$", re.VERBOSE | re.IGNORECASE)
_NOTHING = re.compile(
    r"(?:none|nothing|nichts|n/?a|no\b.*|[-\u2013—]|なし|无)?[.\s]*$", re.IGNORECASE
)
_RANGE = re.compile(
    r"(?<![\d.])(\d{1,4})\s*(?:-|\u2013|—|\bto\b|\bthrough\b|\bbis\b)\s*(?:step\s*)?"
    r"(\d{1,4})(?!\.?\d)"
)
_NUMBER = re.compile(r"(?<![\w.])[T#]?(\d{1,9}(?:\.\d{1,9})*)(?!\w)")
_RANGE_LIMIT = 1000
_DEPENDS_LIMIT = 500  # characters; a few of them can name a thousand steps


@dataclass(frozen=True, slots=True)
class Fields:
    """What the fields of one text say."""

    files: tuple[str, ...] = ()
    test: str | None = None
    test_code: str | None = None
    test_lang: str = ""
    done_when: str = ""
    depends_on: tuple[str, ...] = ()
    """Numbers as written, without leading zeros."""
    problems: tuple[str, ...] = ()
    """What was not understood, each the rest of a sentence that names the step."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A line of text or a block of code."""

    text: str
    depth: int
    paragraph: int
    is_code: bool = False
    info: str = ""
    field: Name | None = None
    value: str = ""


def field_name(line: str) -> Name | None:
    """Return which field a line of Markdown starts, after its list marker, if any."""
    found = _FIELD.match(strip_marker(line))
    return None if found is None else _name(found)


def read_fields(markdown: str, *, in_headings: bool = True) -> Fields:
    """Read all fields of a text; of the same field several times, all count.

    `in_headings` lets a heading "Files" behind the first line be a field.
    """
    rows = list(_rows(markdown, in_headings))
    values: dict[Name, list[list[_Row]]] = {"files": [], "test": [], "done": [], "depends": []}
    for at, row in enumerate(rows):
        if row.field is not None:
            values[row.field].append(_value_rows(rows, at))
    files, bad_files = _files(values["files"])
    test, code, lang, prose = _test(values["test"])
    depends, bad_depends = _depends(values["depends"])
    done = [_joined(value) for value in values["done"]] or ([] if test or code else prose)
    return Fields(files, test, code, lang, "; ".join(filter(None, done)), depends,
                  (*bad_files, *bad_depends))  # fmt: skip


def _rows(markdown: str, in_headings: bool) -> Iterator[_Row]:
    for number, piece in enumerate(pieces(markdown)):
        if piece.kind == "code":
            yield _Row(piece.text, piece.depth, number, is_code=True, info=piece.info)
            continue
        for line in piece.text.split("\n"):
            # The heading that a text starts with is its title.
            yield _text_row(piece, line.strip(), number, in_headings and number > 0)


def _text_row(piece: Piece, line: str, number: int, in_headings: bool) -> _Row:
    line = strip_marker(line) if re.match(r"\[[ xX]\]\s", line) else line
    found = _FIELD.match(line)
    if found is not None:
        return _Row(line, piece.depth, number, field=_name(found), value=found["value"].strip())
    may_be_heading = in_headings and piece.kind == "heading"
    heading = _FIELD_HEADING.match(plain(line)) if may_be_heading else None
    if heading is not None:
        return _Row(line, piece.depth, number, field=_name(heading))
    # A heading ends whatever stood before it: no list is so deep.
    return _Row(line, -1 if piece.kind == "heading" else piece.depth, number)


def _name(found: re.Match[str]) -> Name:
    names: tuple[Name, ...] = ("files", "test", "done", "depends")
    return next(name for name in names if found[name])


def _value_rows(rows: list[_Row], at: int) -> list[_Row]:
    """Return the rows that are the value of the field in a row."""
    head = rows[at]
    value = [_Row(head.value, head.depth, head.paragraph)] if head.value.strip("*_ ") else []
    following = _until_next_field(rows, at + 1)
    same = [row for row in following if row.paragraph == head.paragraph and not row.is_code]
    value += same
    after = following[len(same) :]
    deeper: list[_Row] = []
    if not value or value[-1].text.rstrip("*_").endswith((":", "\uff1a")):
        deeper = list(takewhile(lambda row: row.depth > head.depth, after))
    if not value and not deeper and after and after[0].depth == head.depth:
        return [row for row in after if row.paragraph == after[0].paragraph]
    if head.field == "test" and value and not deeper and after and after[0].is_code:
        deeper = after[:1]
    return value + deeper


def _until_next_field(rows: list[_Row], start: int) -> list[_Row]:
    end = start
    while end < len(rows) and rows[end].field is None:
        end += 1
    return rows[start:end]


def _joined(value: list[_Row]) -> str:
    """Return a value as one line: lines of a paragraph by spaces, the others by "; "."""
    paragraphs: dict[int, list[str]] = {}
    for row in value:
        paragraphs.setdefault(row.paragraph, []).append(row.text)
    lines = [plain(" ".join(lines)) for lines in paragraphs.values()]
    if len(lines) > 1 and lines[0].endswith(":"):
        lines[:2] = [f"{lines[0]} {lines[1]}"]
    return "; ".join(filter(None, lines))


def _files(values: list[list[_Row]]) -> tuple[tuple[str, ...], list[str]]:
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


def _test(values: list[list[_Row]]) -> tuple[str | None, str | None, str, list[str]]:
    """Return command, code, its info string, and values that are only prose."""
    commands: list[str] = []
    code: str | None = None
    lang = ""
    prose: list[str] = []
    for value in values:
        found = _commands(value)
        block = next((row for row in value if row.is_code and not is_shell(row.info)), None)
        commands += found
        if not found and block is not None and code is None:
            code, lang = block.text, block.info
        elif not found:
            prose.append(_joined(value))
    return " && ".join(dict.fromkeys(commands)) or None, code, lang, prose


def _commands(value: list[_Row]) -> list[str]:
    """Return the commands of one field: of its text if there are any, else of its shell blocks."""
    text = [command_in(row.text) for row in value if not row.is_code]
    found = [command for command in text if command]
    if found:
        return found
    blocks = [commands_in_block(row.info, row.text) for row in value if row.is_code]
    return [command for block in blocks for command in block]


def _depends(values: list[list[_Row]]) -> tuple[tuple[str, ...], list[str]]:
    numbers: list[str] = []
    problems: list[str] = []
    for value in values:
        text = re.sub(r"\([^()]*\)", " ", _joined(value)[:_DEPENDS_LIMIT])
        found = _numbers(text)
        numbers += found
        if not found and not _NOTHING.match(text):
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
