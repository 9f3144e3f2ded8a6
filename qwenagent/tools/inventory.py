"""What a file has already, so that an edit does not bring it again. Cuts nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.syntax import Container, Declared, Piece, pieces

Chain = tuple[Container, ...]
"""What stands around a place, the outermost first."""

_PYTHON = (".py", ".pyi")
# Languages in which functions of one name may differ in their parameters alone; a .h may be C++.
_OVERLOADING = (".java", ".cc", ".cpp", ".cxx", ".hpp", ".hh", ".hxx", ".h")
_ONE_OF_MANY = re.compile(r"@[\w.]+\.(?:setter|getter|deleter|register)\b|@(?:\w+\.)*overload\b")
_TRAITS = re.compile(r"#\[cfg.*?\]|\b(?:get|set|static|self)\b")


@dataclass(frozen=True, slots=True)
class Known:
    """A piece of a file and where it stands."""

    chain: Chain
    piece: Piece
    code: str
    """Without blanks, and without the comments above it."""


@dataclass(frozen=True, slots=True)
class Inventory:
    """The pieces of a file, those inside of its types too."""

    path: str
    known: tuple[Known, ...]
    rows: frozenset[str]
    """All lines, without margins."""

    def rivals(self, chain: Chain, name: str) -> list[tuple[Declared, Known]]:
        """Return the definitions of this name at this place, in order."""
        there = (it for it in self.known if it.chain == chain)
        return [(d, it) for it in there for d in it.piece.declared if d.name == name]

    def has(self, chain: Chain, piece: Piece, rows: Sequence[str]) -> str:
        """Return the name of a definition in a piece that is there already, "" if there is none."""
        code = squeezed(piece, rows)
        for declared in piece.declared:
            rivals = self.rivals(chain, declared.name)
            if _is_there(self.path, declared, code, rivals):
                return declared.name
        return ""

    def has_code(self, chain: Chain, piece: Piece, rows: Sequence[str]) -> bool:
        """Return whether the same code stands at this place; a field may have another value."""
        key = _key(self.path, squeezed(piece, rows), chain)
        there = (it for it in self.known if it.chain == chain)
        return any(_key(self.path, it.code, chain) == key for it in there)


def inventory(path: str, text: str) -> Inventory:
    """Return what is in a text."""
    rows = text.split("\n")
    known = tuple(_known(pieces(path, text), (), rows))
    return Inventory(path, known, frozenset(row.strip() for row in rows))


def squeezed(piece: Piece, rows: Sequence[str]) -> str:
    """Return the code of a piece without blanks, out of the lines of its text."""
    return "".join("".join(rows[piece.code_line - 1 : piece.last_line]).split())


def _known(found: Sequence[Piece], chain: Chain, rows: Sequence[str]) -> Iterator[Known]:
    for piece in found:
        yield Known(chain, piece, squeezed(piece, rows))
        if piece.container:
            yield from _known(piece.inside, (*chain, piece.container), rows)


def _is_there(
    path: str, new: Declared, code: str, rivals: Sequence[tuple[Declared, Known]]
) -> bool:
    """Whether a definition is one of those that have its name."""
    suffix = PurePosixPath(path).suffix.lower()
    if new.kind != "function" or not rivals:
        return bool(rivals)
    if suffix == ".go" and new.name == "init":
        return any(known.code == code for _, known in rivals)
    if suffix in _PYTHON:
        if _ONE_OF_MANY.search(new.opening):
            return any(old.head == new.head for old, _ in rivals)
        return any(not _ONE_OF_MANY.search(old.opening) for old, _ in rivals)
    alike = [old for old, _ in rivals if old.has_body == new.has_body]
    if suffix in _OVERLOADING or not new.has_body:
        return any(old.head == new.head for old in alike)
    return any(_traits(old) == _traits(new) for old in alike)


def _traits(declared: Declared) -> frozenset[str]:
    return frozenset(_TRAITS.findall(declared.opening))


def _key(path: str, code: str, chain: Chain) -> str:
    """Return what a field is known by; of other code all of it."""
    end = r"=|:(?!:)" if path.endswith((*_PYTHON, ".ts", ".tsx")) else "="
    name = re.match(rf"[^(=:]+(?={end})", code) if chain else None
    return name[0] if name else code
