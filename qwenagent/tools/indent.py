"""Moves code to the indentation of its new place. Knows no symbols."""

from __future__ import annotations

import io
import itertools
import tokenize
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath

from qwenagent.syntax import is_known


def indent_of(line: str) -> str:
    """Return the white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indented(path: str, body: str, indent: str) -> list[str]:
    """Return the lines of a body so that its first one has this indentation.

    A body that has it already is taken as it is, so that texts in it keep their left margin.
    """
    rows = body.strip("\n").split("\n")
    present = indent_of(rows[0])
    if present == indent:
        return [row if row.strip() else "" for row in rows]
    flush = _rows_inside_strings(path, "\n".join(_without(row, present) for row in rows))
    return [
        _shifted(row, present, indent, keep=number in flush and not indent_of(row))
        for number, row in enumerate(rows, 1)
    ]


def flat(body: str) -> str:
    """Return a body without the indentation of its first line."""
    rows = body.strip("\n").split("\n")
    return "\n".join(_without(row, indent_of(rows[0])) for row in rows) + "\n"


def in_style_of(path: str, old: str, body: str) -> str:
    """Return a body indented the way `old` is: with tabs or with blanks, and as many of them.

    It stays as it is where either mixes both, and inside of Python's texts. Blanks become more or
    fewer only in code, and if all lines of the body keep to one step.
    """
    rows = body.split("\n")
    inside = _rows_inside_strings(path, body)
    code = [row for number, row in enumerate(rows, 1) if number not in inside]
    ours, theirs = _step(old.split("\n"), usual=True), _step(code, usual=False)
    if not ours or not theirs or ours == theirs:
        return body
    if "\t" not in ours + theirs and (
        not is_known(path) or any(len(indent_of(row)) % len(theirs) for row in code)
    ):
        return body
    return "\n".join(
        row if number in inside else _restepped(row, theirs, ours)
        for number, row in enumerate(rows, 1)
    )


def _step(rows: Sequence[str], *, usual: bool) -> str:
    """Return what a line is indented by more than that around it, "" if that is not clear.

    Of several widths the usual one of a whole text, or else the smallest: a piece of code may begin
    at any depth.
    """
    margins = [indent_of(row) for row in rows if row.strip()]
    if any(margin.startswith("\t") for margin in margins):
        return "" if any(margin.startswith("  ") for margin in margins) else "\t"
    widths = [*([0] if usual else []), *map(len, margins)]
    steps = Counter(b - a for a, b in itertools.pairwise(widths) if b - a > 1)
    if not steps:
        return ""
    return " " * (steps.most_common(1)[0][0] if usual else min(steps))


def _restepped(row: str, step: str, wanted: str) -> str:
    code = row.lstrip(step[0])
    n_steps, rest = divmod(len(row) - len(code), len(step))
    return wanted * n_steps + step[:rest] + code


def _without(row: str, indent: str) -> str:
    return row.removeprefix(indent) if row.strip() else ""


def _shifted(row: str, present: str, indent: str, *, keep: bool) -> str:
    if keep or not row.strip():
        return row if keep else ""
    return indent + row.removeprefix(present)


def _rows_inside_strings(path: str, text: str) -> set[int]:
    """Numbers of the rows that begin inside a string of a Python text; none if it is no Python."""
    if PurePosixPath(path).suffix not in (".py", ".pyi"):
        return set()
    found: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            kind = tokenize.tok_name[token.type]
            if kind == "STRING":
                found |= set(range(token.start[0] + 1, token.end[0] + 1))
            elif kind == "FSTRING_START":  # from Python 3.12 on
                opened.append(token.start[0])
            elif kind == "FSTRING_END":
                found |= set(range(opened.pop() + 1, token.end[0] + 1))
    except (tokenize.TokenError, SyntaxError):
        return set()
    return found
