r"""Definitions of PHP. A namespace without braces is no definition; of others `A\B` is `A.B`."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.rules.values import Kind, Named, Rules, text_of

_KINDS: dict[str, Kind] = {
    "function_definition": "function",
    "method_declaration": "function",
    "class_declaration": "type",
    "interface_declaration": "type",
    "trait_declaration": "type",
    "enum_declaration": "type",
}
_FUNCTION_VALUES = {"anonymous_function", "arrow_function"}
_HIDING = _FUNCTION_VALUES | {"anonymous_class", "property_hook_list"}
_DECLARATIONS = {"const_declaration", "expression_statement"}


def _names(node: Node, is_module: bool) -> Iterator[Named]:
    match node.type:
        case "const_element" if is_module and node.named_children:
            name = node.named_children[0]
            yield Named(name, text_of(name), "value")
        case "assignment_expression" if is_module:
            yield from _variable(node)
        case "namespace_definition":
            if node.child_by_field_name("body") and (at := node.child_by_field_name("name")):
                parts = [text_of(part) for part in at.named_children if part.type == "name"]
                yield Named(at, ".".join(parts), "type")
        case kind if kind in _KINDS and (at := node.child_by_field_name("name")):
            yield Named(at, text_of(at), _KINDS[kind])


def _variable(node: Node) -> Iterator[Named]:
    left, right = node.child_by_field_name("left"), node.child_by_field_name("right")
    if left is not None and left.type == "variable_name":
        is_function = right is not None and right.type in _FUNCTION_VALUES
        yield Named(left, text_of(left), "function" if is_function else "value")


def _wraps(node: Node) -> bool:
    parts = [child for child in node.named_children if child.type != "comment"]
    return node.type in _DECLARATIONS and len(parts) == 1


RULES = Rules(
    names=_names,
    wraps=_wraps,
    hides=lambda node: node.type in _HIDING,
    modules=frozenset({"namespace_definition", "compound_statement", *_DECLARATIONS}),
)
