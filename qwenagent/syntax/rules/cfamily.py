"""Definitions of C and C++: the name is at the bottom of a declarator.

`ns::Store::save` is `ns.Store.save`, inside of its class and out of it. Types without a body are
no definitions: `struct node;`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.rules.values import Kind, Named, Rules, text_of

_BODIED = {"struct_specifier", "union_specifier", "enum_specifier", "class_specifier"}
_TYPES = {"alias_declaration", "concept_definition"}
_DECLARATIONS = {"declaration", "field_declaration", "function_definition"}
_NAMES = {
    "identifier",
    "field_identifier",
    "type_identifier",
    "primitive_type",  # `typedef unsigned char uint8_t`
    "qualified_identifier",
    "template_function",
    "template_type",
    "operator_name",
    "operator_cast",
    "destructor_name",
}
_WRAPPERS = {
    "template_declaration",
    "friend_declaration",
    "type_definition",
    "declaration",
    "field_declaration",
}
_MODULES = {
    "template_declaration",
    "linkage_specification",
    "namespace_definition",
    "declaration_list",
    "preproc_if",
    "preproc_ifdef",
    "preproc_elif",
    "preproc_elifdef",
    "preproc_else",
}
_TEST_MACRO = re.compile(r"([A-Z0-9]+_)*TEST(_[A-Z0-9]+)*")
_SCOPE = re.compile(r"[\w.]+")
_HIDING = {"compound_statement", "lambda_expression", "parameter_list", "try_statement"}


def _names(node: Node, is_module: bool) -> Iterator[Named]:
    name = node.child_by_field_name("name")
    body = node.child_by_field_name("body")
    match node.type:
        case kind if name and (kind in _TYPES or (body and kind in _BODIED)):
            yield Named(name, _dotted(name), "type")
        case "namespace_definition" if name:
            yield Named(name, _dotted(name), "type")
        case "preproc_function_def" if name:
            yield Named(name, text_of(name), "function")
        case "preproc_def" if name and is_module and node.child_by_field_name("value"):
            yield Named(name, text_of(name), "value")
        case "type_definition":
            for declarator in node.children_by_field_name("declarator"):
                if found := _declared(declarator):
                    yield Named(found[0], _dotted(found[0]), "type", is_scope=False)
        case kind if kind in _DECLARATIONS:
            yield from _declarations(node, is_module, is_promise=kind != "function_definition")


def _declarations(node: Node, is_module: bool, *, is_promise: bool) -> Iterator[Named]:
    for declarator in node.children_by_field_name("declarator"):
        found = _declared(declarator)
        if found is None:
            continue
        name, is_function = found
        kind: Kind = "function" if is_function else "value"
        if not is_promise and not is_function:
            # `class API Store {...}` with an unknown macro reads as a function of that name.
            kind = "type"
        if test := _test(node, name):
            yield Named(name, test, "function")
        elif kind != "value":
            yield Named(name, _dotted(name), kind, is_promise=is_promise)
        elif is_module and node.type == "declaration":
            yield Named(name, _dotted(name), kind, is_scope=False)


def _test(node: Node, name: Node) -> str:
    """Return the name of a test that a macro defines: `TEST(Store, Saves) {` is Store.Saves."""
    if node.child_by_field_name("type") or not _TEST_MACRO.fullmatch(text_of(name)):
        return ""
    declarator = node.child_by_field_name("declarator")
    listed = declarator.child_by_field_name("parameters") if declarator else None
    words = [text_of(child) for child in listed.named_children] if listed else []
    return ".".join(words) if all(word.isidentifier() for word in words) else ""


def _declared(declarator: Node) -> tuple[Node, bool] | None:
    """Return the node of the name that a declarator gives, and whether it is a function's.

    What is nearest to the name says what it is: `int (*f)(void)` is a pointer, `int *f(void)` a
    function. None for C++'s `auto [a, b]`.
    """
    node: Node | None = declarator
    is_function = False
    while node is not None and node.type not in _NAMES:
        if node.type == "function_declarator":
            is_function = True
        elif node.type in ("pointer_declarator", "reference_declarator", "array_declarator"):
            is_function = False
        is_pattern = node.type == "structured_binding_declarator"
        node = None if is_pattern else node.child_by_field_name("declarator") or _inner(node)
    if node is None:
        return None
    return node, is_function or _last(node).type == "operator_cast"


def _inner(node: Node) -> Node | None:
    """The declarator inside of one that has no field for it: parentheses, references."""
    for child in node.named_children:
        if child.type in _NAMES or child.type.endswith("_declarator"):
            return child
    return None


def _last(name: Node) -> Node:
    while name.type == "qualified_identifier" and (inner := name.child_by_field_name("name")):
        name = inner
    return name


def _dotted(name: Node) -> str:
    """Return a name with its scopes, without template arguments: `ns::Store<T>::save`."""
    parts = []
    while name.type == "qualified_identifier" and (inner := name.child_by_field_name("name")):
        scope = name.child_by_field_name("scope")
        if scope is not None and _SCOPE.fullmatch(plain := _plain(scope)):
            parts.append(plain)
        name = inner
    return ".".join([*parts, _plain(name)])


def _plain(name: Node) -> str:
    if name.type in ("template_type", "template_function", "dependent_name"):
        inner = name.child_by_field_name("name")
        return _plain(inner) if inner else ""
    text = " ".join(text_of(name).split())
    if name.type == "operator_cast":
        return text.split("(")[0].strip()
    if name.type == "operator_name":
        # However it is written, `operator ==` is the same.
        return re.sub(r"^operator (?=\W)", "operator", text)
    return re.sub(r" ?(::|~) ?", r"\1", text).replace("::", ".")


def _wraps(node: Node) -> bool:
    if node.type == "linkage_specification":  # extern "C" of one declaration
        body = node.child_by_field_name("body")
        return body is not None and body.type != "declaration_list"
    return node.type in _WRAPPERS


RULES = Rules(
    names=_names,
    wraps=_wraps,
    hides=lambda node: node.type in _HIDING,
    modules=frozenset(_MODULES),
)
