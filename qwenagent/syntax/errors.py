"""Whether an edit broke the syntax of a file."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.languages import is_known, parse


def syntax_error(path: str, before: str, after: str) -> str:
    """Return the first error of `after` that `before` did not have, empty if there is none.

    Python is read by Python itself as well: tree-sitter accepts some texts that it refuses. A
    file that Python could not read before either may be written for another version of it.
    """
    if path.endswith((".py", ".pyi")) and not _python_error(before):
        return _python_error(after)
    if not is_known(path):
        return ""
    known = sum(1 for _ in _error_nodes(parse(path, before).root_node))
    found = list(_error_nodes(parse(path, after).root_node))
    if len(found) <= known:
        return ""
    row = found[0].start_point.row
    return f"line {row + 1}: syntax error at {after.split(chr(10))[row].strip()[:80]!r}"


def _python_error(text: str) -> str:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            ast.parse(text)
    except SyntaxError as error:
        line = (error.text or "").strip()[:80]
        return f"line {error.lineno}: {error.msg}" + (f" at {line!r}" if line else "")
    except (ValueError, RecursionError, MemoryError) as error:
        return f"not readable as Python: {error}"
    return ""


def _error_nodes(root: Node) -> Iterator[Node]:
    todo = [root]
    while todo:
        node = todo.pop()
        if node.is_error or node.is_missing:
            yield node
        elif node.has_error:
            todo += reversed(node.children)
