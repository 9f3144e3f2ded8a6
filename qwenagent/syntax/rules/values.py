"""What a language says about the nodes of its trees. Knows no language."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tree_sitter import Node

Kind = Literal["function", "type", "value"]


@dataclass(frozen=True, slots=True)
class Named:
    """A name that a node defines."""

    node: Node
    """Where the name stands."""
    name: str
    """As seen from around the node; with dots if it says itself whose it is."""
    kind: Kind | None
    """None for what only gives its name to its members: Rust's `impl`."""
    is_scope: bool = True
    """Whether what stands inside is called after it."""
    is_promise: bool = False
    """Whether the code that belongs to it stands elsewhere: a prototype of C."""


@dataclass(frozen=True, slots=True)
class Rules:
    """How the definitions of a language are found in its trees."""

    names: Callable[[Node, bool], Iterator[Named]]
    """The names that a node defines; told whether values are listed where it stands."""
    wraps: Callable[[Node], bool]
    """Whether a node belongs to the one definition that is its child."""
    hides: Callable[[Node], bool]
    """Whether what stands inside is nobody's business: functions without a name."""
    modules: frozenset[str]
    """Types of nodes in which values are listed, if they are listed around them."""
    marks: frozenset[str] = frozenset()
    """Types of the nodes before a definition that belong to it: Rust's attributes."""


def text_of(node: Node) -> str:
    """Return the text of a node."""
    return (node.text or b"").decode("utf-8", errors="replace")
