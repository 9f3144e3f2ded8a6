"""Statements of a text with their comments, inside of types too. Judges none of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Literal

from tree_sitter import Node

from qwenagent.syntax.definitions import Definition, definitions, last_row
from qwenagent.syntax.languages import is_known, language_of
from qwenagent.syntax.parsing import parse
from qwenagent.syntax.rules import rules_of

PieceKind = Literal["import", "comment", "definition", "docstring", "heading", "statement"]

_CONTAINERS = {
    "class_definition", "class_declaration", "abstract_class_declaration", "interface_declaration",
    "enum_declaration", "record_declaration", "annotation_type_declaration", "internal_module",
    "trait_declaration", "impl_item", "trait_item", "mod_item", "class_specifier",
    "struct_specifier", "union_specifier", "namespace_definition", "class", "module",
}  # fmt: skip
_WRAPPERS = {
    "decorated_definition", "export_statement", "ambient_declaration", "template_declaration",
    "expression_statement",  # TypeScript's `namespace X {...}`
}  # fmt: skip
_IMPORTS = {
    "import_statement", "import_from_statement", "future_import_statement", "import_declaration",
    "use_declaration", "extern_crate_declaration", "namespace_use_declaration", "preproc_include",
    "using_declaration",
}  # fmt: skip
_HEADINGS = {
    "package_clause", "package_declaration", "php_tag", "declare_statement", "hash_bang_line",
    "access_specifier", "inner_attribute_item",
}  # fmt: skip
_NAMESPACES = {"namespace_definition", "internal_module", "mod_item", "module"}
_WITHOUT_TYPES = {"impl_item", "trait_item"}
_MARKS = {"decorator", "attribute_item"}
_VISIBILITIES = {b"private", b"protected", b"public", b"module_function", b"private_class_method"}
_GUARDS = {"preproc_ifdef", "preproc_if"}
_REQUIRE = re.compile(rb"require(_relative)?\b")


@dataclass(frozen=True, slots=True)
class Container:
    """What definitions stand inside of: a type, a namespace, Rust's `impl`."""

    name: str
    """As its members are called after it."""
    trait: str = ""
    """What Rust's `impl` is of, without the path to it."""
    first_line: int = field(default=0, compare=False)
    last_line: int = field(default=0, compare=False)
    takes_types: bool = field(default=True, compare=False)
    """Whether types may stand in it: not in an `impl`."""
    is_namespace: bool = field(default=False, compare=False)
    """Whether it is no type, so that functions in it are as those of a file."""


@dataclass(frozen=True, slots=True)
class Declared:
    """A definition as its users see it."""

    name: str
    """As seen from the container around it."""
    kind: str
    opening: str
    """What stands before its name: decorators, modifiers; blanks are single."""
    head: str
    """All of it up to its body, without blanks."""
    has_body: bool


@dataclass(frozen=True, slots=True)
class Piece:
    """A statement, or comments between statements. Lines count from 1, both ends included."""

    kind: PieceKind
    first_line: int
    """Comments directly above belong to it."""
    code_line: int
    """The first line after those comments; decorators are code."""
    last_line: int
    declared: tuple[Declared, ...] = ()
    """What it defines; of a container itself alone."""
    container: Container | None = None
    inside: tuple[Piece, ...] = ()
    """The pieces of a container."""
    is_apart: bool = True
    """Whether those inside stand on other lines than what they stand in."""


@lru_cache(maxsize=8)
def pieces(path: str, text: str) -> tuple[Piece, ...]:
    """Return the pieces of a text in order; none if the language is not known."""
    if not is_known(path):
        return ()
    root = parse(path, text).root_node
    found = tuple(definitions(root, rules_of(language_of(path))))
    reader = _Reader(text.encode("utf-8", errors="replace"), found)
    return tuple(reader.pieces(_unguarded(root), ""))


def enclosing(path: str, text: str, line: int) -> tuple[Container, ...]:
    """Return what really stands around a line's code, the outermost first.

    The type before the name of a method that stands by itself, as in Go, is not around it.
    """
    if not is_known(path):
        return ()
    row = text.split("\n")[line - 1]
    column = len(row[: len(row) - len(row.lstrip())].encode("utf-8", errors="replace"))
    point = (line - 1, column)
    node = parse(path, text).root_node.named_descendant_for_point_range(point, point)
    found = []
    while node is not None:
        container, body = _container(node)
        if container and body and body.start_point <= point < body.end_point:
            found.append(container)
        node = node.parent
    return tuple(reversed(found))


@dataclass(frozen=True, slots=True)
class _Reader:
    """Makes pieces of nodes."""

    data: bytes
    found: tuple[Definition, ...]

    def pieces(self, nodes: Iterable[Node], scope: str) -> Iterator[Piece]:
        """Yield the pieces that nodes make, which stand inside of `scope`: "" or "Store."."""
        last: Piece | None = None
        for marks, node in _marked(nodes):
            new = self._piece(node, scope, is_first=last is None)
            if marks:
                first = marks[0].start_point.row + 1
                new = replace(new, first_line=first, code_line=first)
            joined = _joined(last, new, node) if last else None
            if last and not joined:
                yield last
            last = joined or new
        if last:
            yield last

    def _piece(self, node: Node, scope: str, *, is_first: bool) -> Piece:
        lines = node.start_point.row + 1, node.start_point.row + 1, last_row(node) + 1
        inner = _unwrapped(node)
        container, body = _container(inner)
        kind = _kind(node, in_type=bool(scope), is_first=is_first)
        if kind != "statement":
            return Piece(kind, *lines)
        declared = tuple(self._declared(node, scope))
        if container is None or body is None:
            return Piece("definition" if declared else kind, *lines, declared)
        inside = tuple(self.pieces(_members(inner, body), f"{scope}{container.name}."))
        itself = tuple(it for it in declared if it.name == container.name)[:1]
        if container.trait:
            name = f"{container.trait} for {container.name}"
            itself = (Declared(name, "type", "", "", has_body=True),)
        apart = all(_is_apart(piece, body, lines) for piece in inside)
        return Piece("definition", *lines, itself, container, inside, apart)

    def _declared(self, node: Node, scope: str) -> Iterator[Declared]:
        for it in self.found:
            if node.start_byte <= it.name_byte < node.end_byte:
                opening = self.data[it.first_byte : it.name_byte].decode("utf-8", "replace")
                head = self.data[it.first_byte : it.body_byte].decode("utf-8", "replace")
                yield Declared(
                    it.name.removeprefix(scope),
                    it.kind,
                    " ".join(opening.split()),
                    "".join(head.split()).rstrip(";"),
                    it.has_body,
                )


def _marked(nodes: Iterable[Node]) -> Iterator[tuple[list[Node], Node]]:
    """Yield nodes with the decorators and attributes before them, which stand by themselves."""
    marks: list[Node] = []
    for node in nodes:
        if node.type in _MARKS or (marks and "comment" in node.type):
            marks.append(node)
        else:
            yield marks, node
            marks = []
    yield from (([], mark) for mark in marks)


def _joined(last: Piece, new: Piece, node: Node) -> Piece | None:
    """Return two pieces as one, if they are: of one line, or a comment and what it is about."""
    if new.first_line <= last.last_line or node.type == "heredoc_body":
        kept = new if new.container and not last.container else last
        kind = new.kind if last.kind == "comment" else last.kind
        declared = (*last.declared, *new.declared)
        return replace(
            kept,
            kind="definition" if declared else kind,
            first_line=last.first_line,
            code_line=last.code_line,
            last_line=max(last.last_line, new.last_line),
            declared=declared,
            is_apart=kept.is_apart and "comment" in (last.kind, new.kind),
        )
    if last.kind != "comment" or new.first_line > last.last_line + 1:
        return None
    if new.kind == "comment":
        return replace(last, last_line=new.last_line, code_line=new.last_line)
    if new.kind in ("import", "heading", "docstring"):
        return None
    return replace(new, first_line=last.first_line)


def _is_apart(piece: Piece, body: Node, lines: tuple[int, int, int]) -> bool:
    """Whether a member shares no line with what it stands in."""
    if body.type in ("block", "body_statement"):  # nothing closes it on a line of its own
        return piece.first_line > lines[0]
    return body.start_point.row + 1 < piece.first_line and piece.last_line < lines[2]


def _kind(node: Node, *, in_type: bool, is_first: bool) -> PieceKind:
    if "comment" in node.type:
        return "comment"
    text = node.text or b""
    if not in_type and (node.type in _IMPORTS or (node.type == "call" and _REQUIRE.match(text))):
        return "import"
    if node.type in _HEADINGS or text in _VISIBILITIES:
        return "heading"
    if node.type == "namespace_definition" and node.child_by_field_name("body") is None:
        return "heading"
    inner = node.named_children
    if node.type == "expression_statement" and [n.type for n in inner] == ["string"]:
        return "docstring" if is_first else "statement"
    return "statement"


def _unwrapped(node: Node) -> Node:
    while node.type in _WRAPPERS:
        inner = [n for n in node.named_children if n.type in _CONTAINERS | _WRAPPERS]
        if len(inner) != 1:
            break
        node = inner[0]
    return node


def _container(node: Node) -> tuple[Container | None, Node | None]:
    """Return what a node is to its members, and the node that they stand in."""
    body = node.child_by_field_name("body")
    if node.type not in _CONTAINERS or body is None:
        return None, None
    name = node.child_by_field_name("type" if node.type == "impl_item" else "name")
    trait = node.child_by_field_name("trait")
    if name is None:
        return None, None
    of = re.sub(r"\w+::", "", "".join(_text(trait).split())) if trait else ""
    lines = node.start_point.row + 1, last_row(node) + 1
    takes_types, is_namespace = node.type not in _WITHOUT_TYPES, node.type in _NAMESPACES
    return Container(_plain(name), of, *lines, takes_types, is_namespace), body


def _plain(name: Node) -> str:
    """Return a name without type parameters, with dots for its parts."""
    text = "".join(_text(name).split())
    return re.sub(r"<.*", "", text, flags=re.DOTALL).replace("::", ".").replace("\\", ".")


def _members(node: Node, body: Node) -> list[Node]:
    """Return the nodes inside of a container in order, comments above the first one too."""
    found = [n for n in node.named_children if "comment" in n.type]
    for child in body.named_children:
        found += child.named_children if child.type == "enum_body_declarations" else [child]
    return sorted(found, key=lambda n: n.start_byte)


def _unguarded(root: Node) -> Sequence[Node]:
    """Return the nodes of a file; of a header those inside of its guard."""
    code = [n for n in root.named_children if "comment" not in n.type]
    if len(code) != 1 or code[0].type not in _GUARDS:
        return root.named_children
    head = {n.start_byte for f in ("name", "condition") if (n := code[0].child_by_field_name(f))}
    return [n for n in code[0].named_children if n.start_byte not in head]


def _text(node: Node) -> str:
    return (node.text or b"").decode("utf-8", errors="replace")
