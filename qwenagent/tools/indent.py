"""Moves code to the indentation of its new place. Knows no symbols."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath

from qwenagent.syntax import is_known, literals

_WIDTHS = (2, 3, 4, 8)
"""Blanks that somebody indents by."""
_RUBY = re.compile(
    r"(^(private |public |protected )?(def|class|module|if|unless|while|until|case|begin|for|else"
    r"|elsif|rescue|ensure|when)\b|\bdo(\s*\|[^|]*\|)?$)(?!.*\bend$)"
)
_OPENS = {".py": re.compile(r":$"), ".pyi": re.compile(r":$"), ".rb": _RUBY, ".rake": _RUBY}
_OPENS_ELSEWHERE = re.compile(r"[:{]$")
_TEXT = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'")
_COMMENTS = ("#", "//", "*")
_REMARK = re.compile(r"\s*(//|#|/\*).*")


def indent_of(line: str) -> str:
    """Return the white space that a line begins with."""
    return line[: len(line) - len(line.lstrip(" \t"))]


def indented(path: str, body: str, indent: str) -> list[str]:
    """Return the lines of a body so that its first one has this indentation.

    Lines that begin inside of a text stay as they are, but for those of Python's docstrings.
    """
    rows = body.strip("\n").split("\n")
    present = indent_of(rows[0])
    still = _still(path, rows, present)
    return [
        row if number in still else _shifted(row, present, indent)
        for number, row in enumerate(rows, 1)
    ]


def flat(body: str) -> str:
    """Return a body without the indentation of its first line."""
    rows = body.strip("\n").split("\n")
    return "\n".join(_without(row, indent_of(rows[0])) for row in rows) + "\n"


def in_style_of(path: str, old: str, body: str) -> str:
    """Return a body indented the way `old` is: with tabs or with blanks, and as many of them.

    It stays as it is where either mixes both, and inside of texts. Blanks become more or fewer only
    in code, if all lines of the body keep to one step and the file says twice what its own is.
    """
    rows = body.split("\n")
    inside = _inside(path, flat(body))
    code = _code(path, flat(body), rows)
    theirs = _step(path, code, n_least=1)
    ours = _step(path, _code(path, old, old.split("\n")), n_least=1 if theirs == "\t" else 2)
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


def _step(path: str, rows: Sequence[str], n_least: int) -> str:
    """Return what a line is indented by more than that around it, "" if that is not clear.

    Blanks are measured where a block begins, and as many places as `n_least` have to agree: what
    is aligned to something is no step.
    """
    margins = [indent_of(row) for row in rows if row.strip()]
    if any(margin.startswith("\t") for margin in margins):
        return "" if any(margin.startswith("  ") for margin in margins) else "\t"
    steps = Counter(step for step in _steps(path, rows) if step in _WIDTHS)
    width, n = steps.most_common(1)[0] if steps else (0, 0)
    return " " * width if n >= n_least else ""


def _steps(path: str, rows: Sequence[str]) -> Iterator[int]:
    """Yield by how much more than its head the first line of each block is indented."""
    opens = _OPENS.get(PurePosixPath(path).suffix.lower(), _OPENS_ELSEWHERE)
    opened: int | None = None
    n_open = [0]  # round and square brackets, anew inside of curly ones
    for row in rows:
        code = _TEXT.sub("_", row).strip()
        if not code or code.startswith(_COMMENTS):
            continue
        margin = len(indent_of(row))
        if opened is not None:
            yield margin - opened
        begins = not n_open[-1]
        _count_brackets(code, n_open)
        code = _REMARK.sub("", code)
        opened = margin if begins and opens.search(code) else None


def _count_brackets(code: str, n_open: list[int]) -> None:
    for char in _REMARK.sub("", code):
        if char == "{":
            n_open.append(0)
        elif char == "}" and len(n_open) > 1:
            n_open.pop()
        elif char in "([":
            n_open[-1] += 1
        elif char in ")]":
            n_open[-1] = max(n_open[-1] - 1, 0)


def _restepped(row: str, step: str, wanted: str) -> str:
    code = row.lstrip(step[0])
    n_steps, rest = divmod(len(row) - len(code), len(step))
    return wanted * n_steps + step[:rest] + code


def _without(row: str, indent: str) -> str:
    return row.removeprefix(indent) if row.strip() else ""


def _shifted(row: str, present: str, indent: str) -> str:
    return indent + row.removeprefix(present) if row.strip() else ""


def _still(path: str, rows: Sequence[str], present: str) -> set[int]:
    """Numbers of the rows that stay as they are when the code around them moves.

    The text of Python's strings moves with the code, unless a line of it is at the left margin.
    """
    found: set[int] = set()
    for lines in literals(path, flat("\n".join(rows))):
        inside = [rows[number - 1] for number in lines if rows[number - 1].strip()]
        follows = all(indent_of(row) and row.startswith(present) for row in inside)
        if not (path.endswith((".py", ".pyi")) and follows):
            found.update(lines)
    return found


def _code(path: str, text: str, rows: Sequence[str]) -> list[str]:
    """Return the rows that begin outside of texts and comments, as `text` has them."""
    gone = {number for lines in literals(path, text, comments=True) for number in lines}
    return [row for number, row in enumerate(rows, 1) if number not in gone]


def _inside(path: str, text: str) -> set[int]:
    """Numbers of the rows that begin inside a text."""
    return {number for lines in literals(path, text) for number in lines}
