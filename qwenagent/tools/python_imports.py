"""The imports of a Python text that have to succeed. Looks for no modules."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from qwenagent.syntax import python_tree

_MAY_FAIL = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
# What a condition asks before it imports what is not everywhere.
_ASKED = frozenset({"TYPE_CHECKING", "sys", "os", "platform", "find_spec"})


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module."""

    module: str
    """Dotted; empty for `from . import x`."""
    level: int = 0
    """Dots before it."""
    member: str = ""
    """What is imported from the package itself, where no module is named."""

    @property
    def name(self) -> str:
        """The module as the text has it."""
        return "." * self.level + (self.module or self.member)


def python_imports(text: str) -> tuple[Import, ...]:
    """Return the imports in order of the text; none if it has errors.

    Left out are those that may fail or are not everywhere made: in a `try` that catches
    ImportError, below `suppress`, TYPE_CHECKING, or a condition on the system.
    """
    root = python_tree(text)
    return tuple(_imports(root)) if root else ()


def _imports(root: ast.AST) -> Iterator[Import]:
    todo: list[ast.AST] = [root]
    while todo:
        node = todo.pop()
        match node:
            case ast.Import(names):
                yield from (Import(alias.name) for alias in names)
            case ast.ImportFrom(module, _, level) if module:
                yield Import(module, level or 0)
            case ast.ImportFrom(_, names, level):
                yield from (Import("", level or 0, alias.name) for alias in names)
            case ast.expr():
                pass
            case _:
                todo += reversed(_required(node))


def _required(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node in which an import has to succeed."""
    match node:
        case ast.Try(_, handlers, _, finalbody) if any(map(_catches_import, handlers)):
            return [*finalbody]
        case ast.If(test) if _ASKED.intersection(_words(test)):
            return []
        case ast.With(items) if any("suppress" in _words(it.context_expr) for it in items):
            return []
    return list(ast.iter_child_nodes(node))


def _catches_import(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or bool(_MAY_FAIL.intersection(_words(handler.type)))


def _words(node: ast.expr) -> set[str]:
    """Return the names in an expression, also those behind a dot."""
    found = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name):
            found.add(inner.id)
        elif isinstance(inner, ast.Attribute):
            found.add(inner.attr)
    return found
