"""Finds the definitions in a syntax tree by a language's rules. Knows no lines of text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from tree_sitter import Node

from qwenagent.syntax.rules import Kind, Rules


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition. Rows count from 0."""

    name: str
    """Qualified, not unique."""
    kind: Kind
    first_row: int
    """The row it begins in, with decorators and attributes."""
    last_row: int
    name_row: int
    is_promise: bool
    """Whether its code stands elsewhere: a prototype of C."""
    first_byte: int
    """Where it begins, with decorators and attributes."""
    name_byte: int
    body_byte: int
    """Where its body begins; where it ends, if it has none."""
    has_body: bool


@dataclass(frozen=True, slots=True)
class _Place:
    """A node still to be looked at, and what is around it."""

    node: Node
    container: str = ""
    wrapper: Node | None = None
    is_module: bool = True
    """Values are listed here: those of classes and blocks are not."""


def definitions(root: Node, rules: Rules) -> Iterator[Definition]:
    """Yield the definitions in order of the text; those inside functions are not listed.

    Walks with a stack of its own: trees nest as deep as the text does.
    """
    todo = [_Place(root)]
    while todo:
        place = todo.pop()
        node = place.node
        inside = _inside(place, rules, is_root=node == root)
        is_closed = rules.hides(node)
        for named in rules.names(node, place.is_module):
            if not (named.name and named.node.text):  # the parser put it there, to go on
                continue
            qualified = place.container + named.name
            if named.is_scope:
                inside = replace(inside, container=f"{qualified}.")
            is_closed = is_closed or named.kind == "function"
            if named.kind:
                outer = place.wrapper or node
                first = _first(outer, rules)
                yield Definition(
                    qualified,
                    named.kind,
                    first.start_point.row,
                    last_row(outer),
                    named.node.start_point.row,
                    named.is_promise,
                    first.start_byte,
                    named.node.start_byte,
                    *_body(node),
                )
        if not is_closed:
            todo += [replace(inside, node=child) for child in reversed(node.named_children)]


def _inside(place: _Place, rules: Rules, *, is_root: bool) -> _Place:
    """Return the place of a node's children, whatever it defines."""
    node = place.node
    return replace(
        place,
        wrapper=(place.wrapper or node) if rules.wraps(node) else None,
        is_module=is_root or (place.is_module and node.type in rules.modules),
    )


def last_row(node: Node) -> int:
    """Return the last row that a node takes; a line end at its end is none of it."""
    end = node.end_point
    return end.row - (end.column == 0 and end.row > node.start_point.row)


def _first(outer: Node, rules: Rules) -> Node:
    """Return the node that a definition begins with."""
    first = outer
    while (mark := first.prev_named_sibling) is not None and mark.type in rules.marks:
        first = mark
    return first


def _body(node: Node) -> tuple[int, bool]:
    """Return where the body of a definition begins, or where it ends; and whether it has one."""
    value = node.child_by_field_name("value")  # JavaScript's `const f = () => {...}`
    body = node.child_by_field_name("body") or (
        value.child_by_field_name("body") if value else None
    )
    declarator = node.child_by_field_name("declarator")
    if node.type == "function_definition" and declarator:  # what a constructor of C++ sets is code
        return declarator.end_byte, True
    return (body.start_byte, True) if body else (node.end_byte, False)
