"""Functions, classes and methods of a file, with the lines they take."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tree_sitter import Node

from qwenagent.syntax.languages import is_known, parse

_FUNCTIONS = {
    "function_definition",  # Python
    "function_declaration",  # JavaScript, TypeScript, Go
    "generator_function_declaration",
    "method_definition",
    "method_declaration",  # Go
    "function_item",  # Rust
}
_TYPES = {
    "class_definition",
    "class_declaration",
    "abstract_class_declaration",
    "interface_declaration",
    "type_alias_declaration",
    "enum_declaration",
    "type_spec",
    "struct_item",
    "enum_item",
    "trait_item",
    "impl_item",
    "mod_item",
}
_WRAPPERS = {
    "decorated_definition",
    "export_statement",
    "type_declaration",
    "lexical_declaration",
    "variable_declaration",
}
_FUNCTION_VALUES = {"arrow_function", "function_expression", "function"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition. Lines count from 1, both ends included, decorators and `export` too."""

    name: str
    """Qualified: `Store.save`. A second definition of the same name is `Store.save#2`."""
    kind: str
    """"function" or "type"."""
    first_line: int
    last_line: int
    signature: str
    """Its first line without indentation."""

    @property
    def n_lines(self) -> int:
        """Number of lines it takes."""
        return self.last_line - self.first_line + 1


def symbols(path: str, text: str) -> tuple[Symbol, ...]:
    """Return the symbols of a text in order; none if the language is not known."""
    if not is_known(path):
        return ()
    lines = text.split("\n")
    seen: Counter[str] = Counter()
    found: list[Symbol] = []
    for name, kind, outer, inner in _definitions(parse(path, text).root_node):
        seen[name] += 1
        unique = name if seen[name] == 1 else f"{name}#{seen[name]}"
        first, last = outer.start_point.row, outer.end_point.row
        if outer.end_point.column == 0 and last > first:
            last -= 1
        head = lines[inner.start_point.row].strip()
        found.append(Symbol(unique, kind, first + 1, last + 1, head))
    return tuple(found)


def _definitions(root: Node) -> Iterator[tuple[str, str, Node, Node]]:
    """Yield (qualified name, kind, node with its wrappers, node), in order of the text.

    Definitions inside functions are not listed. Walks with a stack of its own: trees nest as
    deep as the text does.
    """
    todo: list[tuple[Node, str, Node | None]] = [(root, "", None)]
    while todo:
        node, container, wrapper = todo.pop()
        outer = wrapper or node
        name, kind = _named(node)
        if name:
            qualified = f"{container}{name}"
            if node.type != "impl_item":
                yield qualified, kind, outer, node
            if kind == "function":
                continue
            container = f"{qualified}."
        keep = outer if node.type in _WRAPPERS else None
        todo += [(child, container, keep) for child in reversed(node.named_children)]


def _named(node: Node) -> tuple[str, str]:
    """Return (name, kind) of a definition, ("", "") for anything else."""
    if node.type in _FUNCTIONS:
        return _receiver(node) + _text(node.child_by_field_name("name")), "function"
    if node.type == "impl_item":
        return _text(node.child_by_field_name("type")), "type"
    if node.type in _TYPES:
        return _text(node.child_by_field_name("name")), "type"
    if node.type == "variable_declarator":
        value = node.child_by_field_name("value")
        if value is not None and value.type in _FUNCTION_VALUES:
            return _text(node.child_by_field_name("name")), "function"
    return "", ""


def _receiver(node: Node) -> str:
    """Return "Type." for a Go method."""
    receiver = node.child_by_field_name("receiver") if node.type == "method_declaration" else None
    if receiver is None:
        return ""
    words = _text(receiver).strip("()").replace("*", " ").split()
    return f"{words[-1].split('[')[0]}." if words else ""


def _text(node: Node | None) -> str:
    return node.text.decode("utf-8", errors="replace") if node is not None and node.text else ""


def outline(path: str, text: str) -> str:
    """Return one line for each symbol: its lines and its first line, nested by indentation."""
    rows = []
    for symbol in symbols(path, text):
        depth = symbol.name.count(".")
        where = f"{symbol.first_line}-{symbol.last_line}"
        rows.append(f"{where:>9}  {'    ' * depth}{symbol.signature}")
    return "\n".join(rows)
