"""Which parts of a text are code, and not comments or docstrings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from tree_sitter import Node

from qwenagent.syntax.languages import is_known
from qwenagent.syntax.parsing import parse


def code_spans(path: str, text: str) -> tuple[tuple[int, int], ...]:
    """Return what is not comment or docstring as (start, end) in characters, in order.

    All of it where the language is not known.
    """
    if not is_known(path):
        return ((0, len(text)),)
    data = text.encode("utf-8", "replace")
    places = [0]
    for node in _prose(parse(path, text).root_node):
        places += [node.start_byte, node.end_byte]
    ends = _in_characters(data, [*places, len(data)])
    return tuple((a, b) for a, b in zip(ends[::2], ends[1::2], strict=True) if a < b)


def code_lines(path: str, text: str) -> list[str]:
    """Return the lines that have code on them, without comments and with single blanks.

    In Python the margin stays as it is.
    """
    pieces: list[str] = []
    at = 0
    for start, end in code_spans(path, text):
        pieces += ["\n" * text.count("\n", at, start), text[start:end]]
        at = end
    rows = "".join(pieces).split("\n")
    keeps_margin = path.endswith((".py", ".pyi"))
    return [_plain(row, keeps_margin=keeps_margin) for row in rows if row.strip()]


def _plain(row: str, *, keeps_margin: bool) -> str:
    margin = row[: len(row) - len(row.lstrip())] if keeps_margin else ""
    return margin + " ".join(row.split())


def _in_characters(data: bytes, places: Sequence[int]) -> list[int]:
    """Return places in UTF-8, which are in order, as places in the text."""
    parts = (data[a:b].decode("utf-8", "replace") for a, b in pairwise((0, *places)))
    return list(accumulate(map(len, parts)))


def _prose(root: Node) -> Iterator[Node]:
    """Yield comments and docstrings; with a stack of its own: a long sum is a deep tree."""
    todo = [root]
    while todo:
        node = todo.pop()
        if "comment" in node.type or _is_docstring(node):
            yield node
        else:
            todo += reversed(node.children)


def _is_docstring(node: Node) -> bool:
    inner = node.named_children
    is_string = len(inner) == 1 and inner[0].type == "string"
    return node.type == "expression_statement" and is_string
