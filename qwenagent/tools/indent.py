"""Moves code to the indentation of its new place. Knows no symbols."""

from __future__ import annotations

import io
import tokenize
from pathlib import PurePosixPath


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


def in_style_of(old: str, body: str) -> str:
    """Return a body with tabs for its leading spaces if `old` is indented with tabs only."""
    margins = [indent_of(row) for row in old.split("\n") if row.strip()]
    if not any(m.startswith("\t") for m in margins) or any(m.startswith("  ") for m in margins):
        return body
    widths = [len(indent_of(row)) for row in body.split("\n") if row.startswith("  ")]
    if not widths:
        return body
    unit = min(widths)
    return "\n".join(_with_tabs(row, unit) for row in body.split("\n"))


def _with_tabs(row: str, unit: int) -> str:
    n_spaces = len(row) - len(row.lstrip(" "))
    return "\t" * (n_spaces // unit) + row[n_spaces - n_spaces % unit :]


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
