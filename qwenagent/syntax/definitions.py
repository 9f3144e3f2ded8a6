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
                rows = _rows(place.wrapper or node, rules)
                row = named.node.start_point.row
                yield Definition(qualified, named.kind, *rows, row, named.is_promise)
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


def _rows(outer: Node, rules: Rules) -> tuple[int, int]:
    """Return the first and the last row of a definition."""
    first = outer
    while (mark := first.prev_named_sibling) is not None and mark.type in rules.marks:
        first = mark
    end = outer.end_point
    ends_before = end.column == 0 and end.row > outer.start_point.row
    return first.start_point.row, end.row - ends_before
