"""Which nodes of a syntax tree define something, and under which name. Knows no lines of text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

_FUNCTIONS = {
    "function_definition",  # Python
    "function_declaration",  # JavaScript, TypeScript, Go
    "generator_function_declaration",
    "function_signature",  # TypeScript's overloads
    "method_definition",
    "abstract_method_signature",
    "method_declaration",  # Go
    "function_item",  # Rust
    "function_signature_item",
    "macro_definition",
}
_TYPES = {
    "class_definition",
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "type_alias_declaration",
    "enum_declaration",
    "internal_module",
    "type_alias_statement",  # Python
    "type_spec",  # Go
    "type_alias",
    "struct_item",  # Rust
    "enum_item",
    "union_item",
    "trait_item",
    "type_item",
    "impl_item",
    "mod_item",
}
_VALUES = {"assignment", "const_spec", "var_spec", "const_item", "static_item"}
_FIELDS = {"public_field_definition", "field_definition"}
_NAME_FIELDS = {
    "impl_item": "type",
    "field_definition": "property",
    "type_alias_statement": "left",
    "assignment": "left",
}
_FUNCTION_VALUES = {"arrow_function", "function_expression", "generator_function"}
_ANONYMOUS = _FUNCTION_VALUES | {"func_literal", "closure_expression", "lambda"}

_WRAPPERS = {"decorated_definition", "export_statement", "ambient_declaration"}
_DECLARATIONS = {
    "expression_statement",
    "lexical_declaration",
    "variable_declaration",
    "type_declaration",
    "const_declaration",
    "var_declaration",
    "var_spec_list",
}
"""Wrappers of one definition or of several; only that of a single one belongs to it."""
_MODULES = {"mod_item", "declaration_list", "internal_module", "statement_block"}
_MARKS = {"attribute_item", "decorator"}


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition. Rows count from 0."""

    name: str
    """Qualified, not unique."""
    kind: str
    """"function", "type" or "value"."""
    outer: Node
    """The node with its wrappers."""
    name_row: int

    @property
    def first_row(self) -> int:
        """The row it begins in, with decorators and attributes."""
        first = self.outer
        while (mark := first.prev_named_sibling) is not None and mark.type in _MARKS:
            first = mark
        return first.start_point.row

    @property
    def last_row(self) -> int:
        """The row it ends in."""
        end = self.outer.end_point
        return end.row - (end.column == 0 and end.row > self.outer.start_point.row)


@dataclass(frozen=True, slots=True)
class _Place:
    """A node still to be looked at, and what is around it."""

    node: Node
    container: str = ""
    wrapper: Node | None = None
    is_module: bool = True
    """Values are listed here: those of classes and blocks are not."""


def definitions(root: Node) -> Iterator[Definition]:
    """Yield the definitions in order of the text; those inside functions are not listed.

    Walks with a stack of its own: trees nest as deep as the text does.
    """
    todo = [_Place(root)]
    while todo:
        place = todo.pop()
        node, kind = place.node, _kind(place)
        inside = _inside(place, is_root=node == root)
        if kind:
            for name in _names(node):
                qualified = f"{place.container}{_receiver(node)}{_plain(name)}"
                inside = replace(inside, container=f"{qualified}.")
                if node.type != "impl_item":
                    outer = place.wrapper or node
                    yield Definition(qualified, kind, outer, name.start_point.row)
        if kind != "function" and node.type not in _ANONYMOUS:
            todo += [replace(inside, node=child) for child in reversed(node.named_children)]


def _inside(place: _Place, *, is_root: bool) -> _Place:
    """Return the place of a node's children, whatever it defines."""
    node = place.node
    wraps = node.type in _WRAPPERS or (node.type in _DECLARATIONS and _n_parts(node) == 1)
    through = node.type in _WRAPPERS | _DECLARATIONS | _MODULES
    return replace(
        place,
        wrapper=(place.wrapper or node) if wraps else None,
        is_module=is_root or (place.is_module and through),
    )


def _n_parts(node: Node) -> int:
    return sum(1 for child in node.named_children if child.type != "comment")


def _kind(place: _Place) -> str:
    """Return the kind of a definition, "" for anything else."""
    node = place.node
    if node.type in _FUNCTIONS:
        return "function"
    if node.type in _TYPES:
        return "type"
    if node.type == "method_signature":
        return "function" if node.parent is not None and node.parent.type == "class_body" else ""
    if node.type in _VALUES:
        is_set = node.type != "assignment" or node.child_by_field_name("right") is not None
        return "value" if place.is_module and is_set else ""
    if node.type == "variable_declarator" or node.type in _FIELDS:
        return _kind_of_variable(place)
    return ""


def _kind_of_variable(place: _Place) -> str:
    value = place.node.child_by_field_name("value")
    if value is not None and value.type in _FUNCTION_VALUES:
        return "function"
    if place.node.type in _FIELDS:
        return ""
    if value is not None and value.type == "class":
        return "type"
    return "value" if place.is_module else ""


def _names(node: Node) -> Iterator[Node]:
    """Yield the nodes of the names that a node defines; patterns are not listed."""
    for name in node.children_by_field_name(_NAME_FIELDS.get(node.type, "name")):
        pattern = node.type in _VALUES | {"variable_declarator"} and name.type != "identifier"
        if not pattern and name.text != b"_":
            yield name


def _receiver(node: Node) -> str:
    """Return "Type." for a Go method."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is None:
        return ""
    words = re.findall(r"\w+", re.sub(r"\[.*\]", "", _text(receiver), flags=re.DOTALL))
    return f"{words[-1]}." if words else ""


def _plain(name: Node) -> str:
    """Return a name without type parameters: Rust's `impl<T> Store<T>`."""
    inner = name.child_by_field_name("type") if name.type == "generic_type" else None
    return _text(inner or name)


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", errors="replace")
