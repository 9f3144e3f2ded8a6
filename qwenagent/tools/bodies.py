"""Cuts out of a body what is to stand at a place: small models write more around it.

They write a method inside its whole class, imports before a function, or what the file has already.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from qwenagent.errors import EditRefused
from qwenagent.syntax import Container, Declared, Piece, Symbol, enclosing, pieces, plain_name
from qwenagent.tools.indent import flat
from qwenagent.tools.inventory import Chain, Inventory, inventory, squeezed
from qwenagent.tools.levels import Level, is_demonstration, level_of, names_of, without_remarks

_PLACEHOLDERS = {"pass", "..."}


@dataclass(frozen=True, slots=True)
class Cut:
    """What a body brings."""

    text: str
    """What stands at the place itself, as it is indented in the body; may be empty."""
    imports: tuple[str, ...] = ()
    """Those of the body, whether the file has them or not."""
    beside: tuple[tuple[Container, str], ...] = ()
    """Code that belongs behind what stands around the place, the innermost first."""
    has_comment: bool = False
    """Whether there is a comment directly above the symbol."""


@dataclass(frozen=True, slots=True)
class _Body:
    """A body and the file that it is for."""

    path: str
    text: str
    rows: tuple[str, ...]
    top: tuple[Piece, ...]
    chain: Chain
    """What stands around the place in the file."""
    there: Inventory


def replacement(path: str, old: str, symbol: Symbol, body: str) -> Cut:
    """Return what comes in the place of a symbol.

    Raises:
        EditRefused: the body has another definition of that name, or others of the file.
    """
    it = _body(path, old, symbol, body)
    level = level_of(it.top, it.chain)
    wanted = _wanted(it, level, symbol)
    if wanted is None or not _is_covered(it):
        return Cut(body)

    shown = _demonstrations(it, wanted)

    def keeps(piece: Piece, chain: Chain, *, is_inner: bool) -> bool:
        if piece is wanted:
            return True
        if piece in shown:
            return False
        if not (name := it.there.has(chain, piece, it.rows)):
            return bool(piece.declared) or not it.there.has_code(chain, piece, it.rows)
        if not (is_inner and level.is_wrapped) and not _is_same(it, chain, piece):
            raise EditRefused(
                f"{path} has {names_of(chain)}{name}, too; write the code of {symbol.name} alone"
            )
        return False

    return replace(_cut(it, level, keeps), has_comment=wanted.first_line < wanted.code_line)


def addition(path: str, old: str, anchor: Symbol, body: str) -> Cut:
    """Return what a body adds behind a symbol.

    Raises:
        EditRefused: the file has all of it.
    """
    it = _body(path, old, anchor, body)
    level = level_of(it.top, it.chain)
    if not _is_covered(it):
        return Cut(body)
    there: list[str] = []

    def keeps(piece: Piece, chain: Chain, *, is_inner: bool) -> bool:
        name = it.there.has(chain, piece, it.rows)
        if name:
            there.append(names_of(chain) + name)
            return False
        if piece.declared:
            return True
        is_shown = level.is_wrapped and is_demonstration(it.path, piece, it.rows)
        return not is_shown and not it.there.has_code(chain, piece, it.rows)

    cut = _cut(it, level, keeps)
    if not (cut.beside or _has_code(path, cut.text)):
        if there:
            raise EditRefused(f"{path} has {there[0]} already; replace_symbol changes it")
        return Cut(body)
    return cut


def comment_start(path: str, old: str, symbol: Symbol) -> int:
    """Return the line that the comment directly above a symbol begins in, or else the symbol."""
    for known in inventory(path, old).known:
        if known.piece.code_line == symbol.first_line:
            return known.piece.first_line
    return symbol.first_line


def _body(path: str, old: str, symbol: Symbol, body: str) -> _Body:
    text = flat(body)
    rows = tuple(body.strip("\n").split("\n"))
    chain = enclosing(path, old, symbol.first_line)
    return _Body(path, body, rows, pieces(path, text), chain, inventory(path, old))


def _is_covered(it: _Body) -> bool:
    """Whether all lines of a body are understood: what is left out of pieces would be lost."""
    inside = {n for piece in it.top for n in range(piece.first_line, piece.last_line + 1)}
    return all(n in inside or not row.strip() for n, row in enumerate(it.rows, 1))


def _has_code(path: str, text: str) -> bool:
    return any(piece.kind != "comment" for piece in pieces(path, flat(text))) if text else False


def _demonstrations(it: _Body, wanted: Piece) -> list[Piece]:
    """Return the pieces that only show what the others do, with the values that they show."""
    others = [piece for piece in it.top if piece is not wanted and wanted not in piece.inside]
    shown = [piece for piece in others if is_demonstration(it.path, piece, it.rows)]
    words = {word for piece in shown for word in _words(it, piece)}
    code = [piece for piece in it.top if any(d.kind != "value" for d in piece.declared)]
    words -= {word for piece in code if piece not in shown for word in _words(it, piece)}
    for piece in others:
        is_value = piece.declared and all(d.kind == "value" for d in piece.declared)
        first = _words(it, piece)[:1]
        if (is_value and any(d.name in words for d in piece.declared)) or (
            piece.kind == "statement" and first and first[0] in words & _values(it)
        ):
            shown.append(piece)
    return shown


def _values(it: _Body) -> set[str]:
    return {d.name for piece in it.top for d in piece.declared if d.kind == "value"}


def _words(it: _Body, piece: Piece) -> list[str]:
    return re.findall(r"[^\W\d]\w*", "\n".join(it.rows[piece.code_line - 1 : piece.last_line]))


def _is_same(it: _Body, chain: Chain, piece: Piece) -> bool:
    code = squeezed(piece, it.rows)
    return any(known.chain == chain and known.code == code for known in it.there.known)


# -- the symbol itself --------------------------------------------------------------------------


def _wanted(it: _Body, level: Level, symbol: Symbol) -> Piece | None:
    """Return the piece of a body that defines a symbol, None if there is none.

    Raises:
        EditRefused: what it defines is another of the same name.
    """
    name = plain_name(symbol.name).removeprefix(names_of(it.chain))
    own, others = _definitions(it, symbol, name)
    found = [(piece, d) for piece in level.inner for d in piece.declared if d.name == name]
    if own is None or not found:
        return found[0][0] if found else None
    mine = own[1]
    alike = [pair for pair in found if pair[1].has_body == mine.has_body] or found
    at = own[0] if len(alike) > 1 else 0
    other = EditRefused(
        f"the block has another {name} than {symbol.name}; write the code of {symbol.name} alone: "
        f"{symbol.signature}"
    )
    if at >= len(alike):
        raise other
    piece, declared = alike[at]
    if declared.head != mine.head and declared.head in {d.head for d in others}:
        raise other
    return piece


def _definitions(
    it: _Body, symbol: Symbol, name: str
) -> tuple[tuple[int, Declared] | None, list[Declared]]:
    """Return which of several definitions of a name a symbol is, and the other ones."""
    rivals = it.there.rivals(it.chain, name)
    own = [
        n
        for n, (_, known) in enumerate(rivals)
        if known.piece.first_line <= symbol.first_line <= known.piece.last_line
    ]
    if not own:
        return None, []
    mine = rivals[own[0]][0]
    others = [declared for n, (declared, _) in enumerate(rivals) if n != own[0]]
    alike = [declared for declared, _ in rivals if declared.has_body == mine.has_body]
    return (next(n for n, d in enumerate(alike) if d is mine), mine), others


# -- what else is there -------------------------------------------------------------------------


def _cut(it: _Body, level: Level, keeps: Callable[..., bool]) -> Cut:
    """Return the pieces of a body that are kept, each where it belongs."""
    imports: list[str] = []

    def kept(found: Sequence[Piece], chain: Chain, *, is_inner: bool) -> Iterator[Piece]:
        for piece in found:
            if piece.kind == "import":
                imports.append("\n".join(it.rows[piece.code_line - 1 : piece.last_line]))
            elif piece.kind == "comment":
                if is_inner and _new_remarks(it, piece):
                    yield piece
            elif piece.kind not in ("heading", "docstring"):
                is_idle = level.is_wrapped and squeezed(piece, it.rows) in _PLACEHOLDERS
                if not is_idle and keeps(piece, chain, is_inner=is_inner):
                    yield piece

    inner = tuple(kept(level.inner, it.chain, is_inner=True))
    text = _joined(it, inner)
    if inner == it.top and not any(_remarks(it, piece) for piece in inner):
        text = it.text
    beside = []
    for part in reversed(level.beside):
        around = it.chain[: part.depth]
        if found := tuple(kept(part.pieces, around, is_inner=False)):
            beside.append((it.chain[part.depth], _joined(it, found)))
    return Cut(text, tuple(imports), tuple(beside))


def _joined(it: _Body, kept: Sequence[Piece]) -> str:
    """Return the code of pieces with the blank lines that stand above each of them."""
    rows: list[str] = []
    for piece in kept:
        above = it.rows[piece.first_line - 1 : piece.code_line - 1]
        if piece.kind == "comment":
            above = it.rows[piece.first_line - 1 : piece.last_line]
        code = it.rows[piece.code_line - 1 : piece.last_line]
        rows += [""] * (_n_blank(it, piece.first_line) if rows else 0)
        rows += without_remarks(it.path, above)
        rows += () if piece.kind == "comment" else code
    return "\n".join(rows)


def _n_blank(it: _Body, line: int) -> int:
    n = 0
    while n < line - 1 and not it.rows[line - 2 - n].strip():
        n += 1
    return n


def _remarks(it: _Body, piece: Piece) -> bool:
    """Whether a piece has comments of which lines are left out."""
    last = piece.last_line if piece.kind == "comment" else piece.code_line - 1
    above = it.rows[piece.first_line - 1 : last]
    return len(without_remarks(it.path, above)) < len(above)


def _new_remarks(it: _Body, piece: Piece) -> bool:
    rows = without_remarks(it.path, it.rows[piece.first_line - 1 : piece.last_line])
    return any(row.strip() not in it.there.rows for row in rows)
