"""Definitions of Python, JavaScript, TypeScript, Go and Rust: the name is a field of the node."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.rules.values import Kind, Named, Rules, text_of

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
_HIDING = _FUNCTIONS | _FUNCTION_VALUES | {"func_literal", "closure_expression", "lambda"}

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


def _names(node: Node, is_module: bool) -> Iterator[Named]:
    kind = _kind(node, is_module)
    if kind is None:
        return
    for name in node.children_by_field_name(_NAME_FIELDS.get(node.type, "name")):
        # Patterns are not listed.
        pattern = node.type in _VALUES | {"variable_declarator"} and name.type != "identifier"
        if not pattern and name.text != b"_":
            listed = None if node.type == "impl_item" else kind
            yield Named(name, _receiver(node) + _plain(name), listed)


def _kind(node: Node, is_module: bool) -> Kind | None:
    if node.type in _FUNCTIONS:
        return "function"
    if node.type in _TYPES:
        return "type"
    if node.type == "method_signature":
        in_class = node.parent is not None and node.parent.type == "class_body"
        return "function" if in_class else None
    if node.type in _VALUES:
        is_set = node.type != "assignment" or node.child_by_field_name("right") is not None
        return "value" if is_module and is_set else None
    if node.type == "variable_declarator" or node.type in _FIELDS:
        return _kind_of_variable(node, is_module)
    return None


def _kind_of_variable(node: Node, is_module: bool) -> Kind | None:
    value = node.child_by_field_name("value")
    if value is not None and value.type in _FUNCTION_VALUES:
        return "function"
    if node.type in _FIELDS:
        return None
    if value is not None and value.type == "class":
        return "type"
    return "value" if is_module else None


def _receiver(node: Node) -> str:
    """Return "Type." for a Go method."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is None:
        return ""
    words = re.findall(r"\w+", re.sub(r"\[.*\]", "", text_of(receiver), flags=re.DOTALL))
    return f"{words[-1]}." if words else ""


def _plain(name: Node) -> str:
    """Return a name without type parameters: Rust's `impl<T> Store<T>`."""
    inner = name.child_by_field_name("type") if name.type == "generic_type" else None
    return text_of(inner or name)


def _wraps(node: Node) -> bool:
    return node.type in _WRAPPERS or (node.type in _DECLARATIONS and _n_parts(node) == 1)


def _n_parts(node: Node) -> int:
    return sum(1 for child in node.named_children if child.type != "comment")


RULES = Rules(
    names=_names,
    wraps=_wraps,
    hides=lambda node: node.type in _HIDING,
    modules=frozenset(_WRAPPERS | _DECLARATIONS | _MODULES),
    marks=frozenset({"attribute_item", "decorator"}),
)
