"""Assertions in the output of failed tests that somebody has pasted: each is an example."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterator, Sequence

from qwenagent.plan.examples.literals import closing, is_call, is_literal

_REPORT = re.compile(
    r"^E {2,}\S|^Traceback \(most recent call last\)|^=+ FAILURES =+|AssertionError\b", re.MULTILINE
)
_MARGIN = re.compile(r"^\s*>?\s*(?:\d+\s*\|)?\s*")
_BEGINS = re.compile(r"(?:self\.assert\w+|expect|assert(?:\.\w+)?)\s*\(|assert\s")
_DIFFERENCE = re.compile(r"AssertionError: (?:\w+ differ: )?.+? != (?P<expected>.+)$", re.MULTILINE)
_MAX_LINES = 12
"""Of one assertion."""
_EQUAL = frozenset(
    f"assert{kind}"
    for kind in ("Equal", "Is", "ListEqual", "DictEqual", "TupleEqual", "SetEqual",
                 "SequenceEqual", "MultiLineEqual")
)  # fmt: skip
_CONSTANT = {"assertTrue": "True", "assertFalse": "False", "assertIsNone": "None"}


def is_report(text: str) -> bool:
    """Tell whether a block of text is what a test runner printed of failures."""
    return ">>>" not in text and _REPORT.search(text) is not None


def asserted(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield (the assertion, a call, the literal that it should give) for each that failed.

    Assertions about what was set up before them are none.
    """
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if _BEGINS.match(_MARGIN.sub("", line)):
            statement, n = _statement(lines[at : at + _MAX_LINES])
            if found := _python(statement, lines[at + n : at + n + 2]):
                yield (statement, *found)


def _statement(lines: Sequence[str]) -> tuple[str, int]:
    """Return the first statement on one line, and how many lines it took."""
    statement = ""
    for n, line in enumerate(lines, 1):
        if n > 1 and line.startswith(("E ", "E\t")):
            return statement, n - 1
        statement += (" " if statement else "") + _MARGIN.sub("", line).rstrip()
        if _is_closed(statement):
            return statement, n
    return statement, len(lines)


def _is_closed(statement: str) -> bool:
    at: int | None = 0
    while at is not None:
        found = re.compile(r"[(\[{]").search(statement, at)
        if found is None:
            return True
        at = closing(statement, found.start())
    return False


def _python(statement: str, behind: Sequence[str]) -> tuple[str, str] | None:
    """Return call and literal of an assertion; the literal may stand in the message behind it."""
    sides = _sides(statement)
    if sides is None:
        return None
    for call, value in (sides, sides[::-1]):
        if is_call(call, "python"):
            if is_literal(value, "python"):
                return call, value
            told = _DIFFERENCE.search("\n".join(behind))
            if call == sides[0] and told and is_literal(told["expected"], "python"):
                return call, told["expected"]
    return None


def _sides(statement: str) -> tuple[str, str] | None:
    """Return what is compared, in the order in which it is written."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            [node] = ast.parse(statement).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    match node:
        case ast.Assert(
            test=ast.Compare(left=left, ops=[ast.Eq() | ast.Is()], comparators=[right])
        ):
            return _code(left), _code(right)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name), args=[left, right, *_])) if (
            name in _EQUAL
        ):
            return _code(left), _code(right)
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=name), args=[left, *_])) if (
            name in _CONSTANT
        ):
            return _code(left), _CONSTANT[name]
    return None


def _code(node: ast.expr) -> str:
    return ast.unparse(node)
