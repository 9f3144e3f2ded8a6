"""The part of a file before its first code: shebang, `<?php`, licence, a module's docstring."""

from __future__ import annotations

from tree_sitter import Node

from qwenagent.syntax.languages import is_known
from qwenagent.syntax.parsing import parse


def header(path: str, text: str) -> str:
    """Return the lines before the first line of code, blank lines after them included.

    Empty if the language is not known, or if the file is nothing but comments.
    """
    if not is_known(path):
        return ""
    lines = text.split("\n")
    may_be_docstring = path.endswith((".py", ".pyi"))
    for node in parse(path, text).root_node.named_children:
        if "comment" in node.type or node.type in ("hash_bang_line", "php_tag"):
            continue
        if node.type == "text" and (node.text or b"").startswith(b"#!"):
            continue
        if may_be_docstring and _is_string(node):
            may_be_docstring = False
            continue
        return "".join(f"{line}\n" for line in lines[: node.start_point.row])
    return ""


def _is_string(node: Node) -> bool:
    inner = node.named_children[:1]
    return node.type == "expression_statement" and [n.type for n in inner] == ["string"]
