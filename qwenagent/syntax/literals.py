"""Texts in code that take several lines: their margins are part of them. Reads no contents."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.definitions import last_row
from qwenagent.syntax.languages import is_known, language_of
from qwenagent.syntax.parsing import parse

_LITERALS = {
    "string", "template_string", "string_literal", "raw_string_literal", "encapsed_string",
    "interpreted_string_literal", "heredoc", "heredoc_body", "nowdoc", "shell_command_expression",
    "subshell", "regex", "delimited_symbol",
}  # fmt: skip
_WITH_CLASSES = {"javascript", "typescript", "tsx", "java", "php"}


def literals(path: str, text: str, *, comments: bool = False) -> tuple[range, ...]:
    """Return the lines that begin inside of each text, counted from 1; none for one on one line.

    On demand those inside of comments as well.
    """
    if not is_known(path):
        return ()
    root = parse(path, text).root_node
    if _is_unclear(root) and language_of(path) in _WITH_CLASSES:
        # A method is no code of its own; inside of a class it is.
        wrapped = parse(path, f"class C {{\n{text}\n}}\n").root_node
        if not _is_unclear(wrapped):
            found = _literals(wrapped, comments=comments)
            return tuple(range(it.start - 1, it.stop - 1) for it in found)
    return tuple(_literals(root, comments=comments))


def _is_unclear(root: Node) -> bool:
    """Whether a text has errors, or is nothing but text to PHP."""
    return root.has_error or [node.type for node in root.named_children] == ["text"]


def _literals(root: Node, *, comments: bool) -> Iterator[range]:
    todo = [root]
    while todo:
        node = todo.pop()
        first, last = node.start_point.row + 1, last_row(node) + 1
        if node.type not in _LITERALS and not (comments and "comment" in node.type):
            todo += reversed(node.children)
        elif last > first:
            # Ruby's heredoc begins at the end of the line that announces it, or on the next one.
            is_next = node.type == "heredoc_body" and node.start_point.column == 0
            yield range(first if is_next else first + 1, last + 1)
