"""Definitions of Java. Fields are not listed, as in other languages."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.rules.values import Kind, Named, Rules, text_of

_KINDS: dict[str, Kind] = {
    "method_declaration": "function",
    "constructor_declaration": "function",
    "compact_constructor_declaration": "function",
    "annotation_type_element_declaration": "function",
    "class_declaration": "type",
    "interface_declaration": "type",
    "enum_declaration": "type",
    "record_declaration": "type",
    "annotation_type_declaration": "type",
}
_HIDING = {
    "block",
    "constructor_body",
    "lambda_expression",
    "object_creation_expression",  # a class without a name
    "static_initializer",
}
# At the top of a file without a class: Java 25, JEP 512.
_LOOSE = "local_variable_declaration"


def _names(node: Node, is_module: bool) -> Iterator[Named]:
    name = node.child_by_field_name("name")
    if name is None:
        return
    if node.type == "enum_constant":
        yield Named(name, text_of(name), None)
    elif node.type in _KINDS:
        yield Named(name, text_of(name), _KINDS[node.type])
    elif node.type == "variable_declarator" and is_module:
        yield Named(name, text_of(name), "value")


def _wraps(node: Node) -> bool:
    return node.type == _LOOSE and len(node.children_by_field_name("declarator")) == 1


RULES = Rules(
    names=_names,
    wraps=_wraps,
    hides=lambda node: node.type in _HIDING,
    modules=frozenset({_LOOSE}),
)
