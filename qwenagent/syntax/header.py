"""The part of a file before its first code: shebang, `<?php`, licence, a module's docstring."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from tree_sitter import Node

from qwenagent.syntax.languages import is_known
from qwenagent.syntax.parsing import parse

_IMPORT: Final = re.compile(r"\s*(#|(import|from|package|use|using|namespace|module|require\w*)\b)")


def header(path: str, text: str) -> str:
    """Return the lines before the first line of code, blank lines after them included.

    Empty if the language is not known, or if the file is nothing but comments.
    """
    if not is_known(path):
        return ""
    lines = text.split("\n")
    may_be_docstring = path.endswith((".py", ".pyi"))
    end = 0
    for node in parse(path, text).root_node.named_children:
        if "comment" in node.type:
            continue
        if node.type in ("hash_bang_line", "php_tag") or _is_shebang(node):
            end = node.end_point.row + 1
        elif may_be_docstring and _is_string(node):
            may_be_docstring = False
            end = node.end_point.row + 1
        else:
            first = node.start_point.row
            end = min(first, max(end, _end(lines, first)))
            return "".join(f"{line}\n" for line in lines[:end])
    return ""


def _end(lines: Sequence[str], first: int) -> int:
    """Return where the header ends: a comment right above a definition is the definition's."""
    if _IMPORT.match(lines[first]):
        return first
    above = range(first, 0, -1)
    return next((row for row in above if not lines[row - 1].strip()), 0)


def _is_shebang(node: Node) -> bool:
    return node.type == "text" and (node.text or b"").startswith(b"#!")


def _is_string(node: Node) -> bool:
    inner = node.named_children[:1]
    return node.type == "expression_statement" and [n.type for n in inner] == ["string"]
