"""Which parts of a text are code, and not comments or docstrings."""

from __future__ import annotations

from collections.abc import Iterator

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
    spans, start = [], 0
    for node in _prose(parse(path, text).root_node):
        spans.append((start, node.start_byte))
        start = node.end_byte
    spans.append((start, len(data)))
    return tuple((_n_chars(data, a), _n_chars(data, b)) for a, b in spans if a < b)


def code_lines(path: str, text: str) -> list[str]:
    """Return the lines that have code on them, without comments and with single blanks.

    In Python the margin stays as it is.
    """
    code = list(text)
    kept: set[int] = set()
    for start, end in code_spans(path, text):
        kept.update(range(start, end))
    rows = "".join(c for i, c in enumerate(code) if i in kept or c == "\n").split("\n")
    keeps_margin = path.endswith((".py", ".pyi"))
    return [_plain(row, keeps_margin=keeps_margin) for row in rows if row.strip()]


def _plain(row: str, *, keeps_margin: bool) -> str:
    margin = row[: len(row) - len(row.lstrip())] if keeps_margin else ""
    return margin + " ".join(row.split())


def _n_chars(data: bytes, at: int) -> int:
    return len(data[:at].decode("utf-8", "replace"))


def _prose(node: Node) -> Iterator[Node]:
    for child in node.children:
        if "comment" in child.type or _is_docstring(child):
            yield child
        else:
            yield from _prose(child)


def _is_docstring(node: Node) -> bool:
    inner = node.named_children
    is_string = len(inner) == 1 and inner[0].type == "string"
    return node.type == "expression_statement" and is_string
