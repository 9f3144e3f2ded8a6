"""Definitions of Ruby. What blocks define is not listed, but for those of `Struct.new`."""

from __future__ import annotations

from collections.abc import Iterator

from tree_sitter import Node

from qwenagent.syntax.rules.values import Named, Rules, text_of

_LISTED_VALUES = {"constant", "global_variable", "scope_resolution"}
_OBJECTS = {"constant", "identifier", "global_variable", "instance_variable"}
_MAKES_TYPE = {"Struct.new", "Data.define", "Class.new", "Module.new"}
_BLOCKS = {"block", "do_block"}


def _names(node: Node, is_module: bool) -> Iterator[Named]:
    match node.type:
        case "class" | "module" if name := node.child_by_field_name("name"):
            yield Named(name, _dotted(name), "type")
        case "method" if name := node.child_by_field_name("name"):
            yield Named(name, text_of(name), "function")
        case "singleton_method" if name := node.child_by_field_name("name"):
            yield Named(name, _receiver(node) + text_of(name), "function")
        case "assignment" | "operator_assignment":
            left = node.child_by_field_name("left")
            if left is None or left.type not in _LISTED_VALUES:
                return
            if _makes_type(node.child_by_field_name("right")):
                yield Named(left, _dotted(left), "type")
            elif is_module:
                yield Named(left, _dotted(left), "value")


def _dotted(name: Node) -> str:
    """Return `Shop::Store` with dots; what is in front of it may be any expression."""
    parts: list[str] = []
    at: Node | None = name
    while at is not None and at.type == "scope_resolution":
        last = at.child_by_field_name("name")
        parts += [text_of(last)] if last else []
        at = at.child_by_field_name("scope")
    if at is not None and (not parts or at.type == "constant"):
        parts.append(text_of(at))
    return ".".join(reversed(parts))


def _receiver(node: Node) -> str:
    """Return "other." for a method of another object than the class it stands in."""
    receiver = node.child_by_field_name("object")
    if receiver is None or receiver.type == "self":
        return ""
    around = node.parent
    while around is not None and around.type not in ("class", "module"):
        around = around.parent
    own = around.child_by_field_name("name") if around else None
    is_own = own is not None and own.text == receiver.text
    return "" if is_own or receiver.type not in _OBJECTS else f"{_dotted(receiver)}."


def _makes_type(value: Node | None) -> bool:
    if value is None or value.type != "call":
        return False
    parts = [value.child_by_field_name(field) for field in ("receiver", "method")]
    return ".".join(text_of(part) for part in parts if part) in _MAKES_TYPE


def _hides(node: Node) -> bool:
    if node.type == "lambda":
        return True
    call = node.parent
    if node.type not in _BLOCKS or call is None:
        return False
    is_set = call.parent is not None and call.parent.type == "assignment"
    return not (is_set and _makes_type(call))


RULES = Rules(
    names=_names,
    # `private def save`: the call belongs to the method.
    wraps=lambda node: node.type in ("call", "argument_list"),
    hides=_hides,
    modules=frozenset({"module", "body_statement"}),
)
