"""Brings imports of a body to those of its file. Resolves nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from qwenagent.syntax import Piece, pieces
from qwenagent.tools.splice import Span


def import_spans(path: str, old: str, written: Iterable[str]) -> list[Span]:
    """Return where the imports go that a file has not, none or one."""
    lines = old.split("\n")
    top = pieces(path, old)
    there = [_code(piece, lines) for piece in top if piece.kind == "import"]
    if path.endswith(".go"):
        new = _new_specs(there, written)
    else:
        known = {_plain(code) for code in there}
        # What is imported inside of a block at the top, as under a condition, counts too.
        known |= {_plain(line) for line in lines}
        new = [code for code in written if _plain(code) not in known]
    new = list(dict.fromkeys(new))
    if not new:
        return []
    return [_span(path, lines, top, [row for code in new for row in code.split("\n")])]


def _span(path: str, lines: Sequence[str], top: Sequence[Piece], rows: list[str]) -> Span:
    last = _last_import(top)
    if last is not None:
        at = last.last_line
        if path.endswith(".go") and lines[at - 1].strip() == ")":  # inside of the brackets
            rows = [f"\t{row.removeprefix('import ')}" for row in rows]
            at -= 1
        return Span(at, at, tuple(rows))
    at = _end_of_head(top)
    n_below = 0 if at < len(lines) and not lines[at].strip() else 1
    if n_below and path.endswith((".py", ".pyi")) and _begins_definition(top, at):
        n_below = 2
    return Span(at, at, (*[""] * bool(at), *rows, *[""] * n_below))


def _last_import(top: Sequence[Piece]) -> Piece | None:
    """Return the last import before the first function or type."""
    found = None
    for piece in top:
        if any(it.kind != "value" for it in piece.declared):
            break
        found = piece if piece.kind == "import" else found
    return found


def _end_of_head(top: Sequence[Piece]) -> int:
    """Return how many lines stand before the first code: `package`, a licence, a docstring."""
    end = 0
    for piece in top:
        if piece.kind not in ("heading", "docstring", "comment"):
            break
        end = piece.last_line
    return end


def _begins_definition(top: Sequence[Piece], at: int) -> bool:
    piece = next((it for it in top if it.first_line > at), None)
    return piece is not None and any(it.kind != "value" for it in piece.declared)


def _new_specs(there: Iterable[str], written: Iterable[str]) -> list[str]:
    """Return Go's imports one by one: its compiler takes none twice."""
    known = {_plain(spec) for code in there for spec in _specs(code)}
    return [
        f"import {spec}" for code in written for spec in _specs(code) if _plain(spec) not in known
    ]


def _specs(code: str) -> list[str]:
    inner = re.sub(r"//.*", "", code).strip().removeprefix("import").strip(" \t\n()")
    return [spec.strip() for spec in re.split(r"[\n;]", inner) if spec.strip()]


def _code(piece: Piece, lines: Sequence[str]) -> str:
    return "\n".join(lines[piece.code_line - 1 : piece.last_line])


def _plain(code: str) -> str:
    """Return what two imports have in common that say the same."""
    squeezed = re.sub(r"\s+", "", code).rstrip(";").replace(",)", ")").replace(",}", "}")
    return squeezed.replace("'", '"')
