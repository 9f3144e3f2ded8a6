"""Where in a body the code is that is meant for a place. Knows not what the file has."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from qwenagent.errors import EditRefused
from qwenagent.syntax import Container, Piece
from qwenagent.tools.inventory import Chain
from qwenagent.tools.omission import stands_for_code

_MAIN = re.compile(r"if\s+__name__\s*==")
_SHOWS = re.compile(
    r"(print|pprint|println!|dbg!|assert\w*!?|console\.\w+|fmt\.Print\w*|puts|pp?|echo|print_r"
    r"|var_dump|printf|describe|it|test|expect|unittest\.main|pytest\.main|System\.out\.\w+"
    r"|main)(?![\w.])(?!\s*[+*/|&-]?=[^=])"
)
_TEST_NAME = re.compile(r"(test_\w+|tests?|Test[A-Z_]\w*)")
_MARKS = "#/*-<!> \t"


@dataclass(frozen=True, slots=True)
class Beside:
    """Pieces that belong behind what stands around the place."""

    depth: int
    """Behind which one, counted from the outermost."""
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class Level:
    """The pieces of a body that are meant for a place, and those for around it."""

    inner: tuple[Piece, ...]
    beside: tuple[Beside, ...] = ()
    is_wrapped: bool = False
    """Whether what stands around the place is in the body, too."""


def level_of(top: tuple[Piece, ...], chain: Chain) -> Level:
    """Return what of a body is meant for a place that this stands around.

    Raises:
        EditRefused: a class is written around it on the same lines.
    """
    for start in range(len(chain)):
        if found := _descended(top, chain, start):
            return found
    if not chain or chain[-1].takes_types:
        return Level(top)
    out = tuple(p for p in top if p.container or any(d.kind == "type" for d in p.declared))
    inner = tuple(p for p in top if p not in out)
    return Level(inner, (Beside(len(chain) - 1, out),) if out else ())


def _descended(top: tuple[Piece, ...], chain: Chain, start: int) -> Level | None:
    inner, beside = top, []
    for depth in range(start, len(chain)):
        around = [piece for piece in inner if piece.container == chain[depth]]
        if not around:
            return None
        if not all(piece.is_apart for piece in around):
            raise EditRefused(f"write the code alone, without {chain[depth].name} around it")
        others = tuple(piece for piece in inner if piece not in around)
        beside.append(Beside(_out_of_types(chain, depth) if depth == start else depth, others))
        inner = tuple(member for piece in around for member in piece.inside)
    return Level(inner, tuple(beside), is_wrapped=True)


def _out_of_types(chain: Chain, depth: int) -> int:
    """Return where that goes which stands beside an inner type that was written by itself."""
    while depth and not chain[depth - 1].is_namespace:
        depth -= 1
    return depth


def is_demonstration(path: str, piece: Piece, rows: Sequence[str]) -> bool:
    """Return whether a piece only shows or tests what a body defines."""
    if re.search(r"(^|[/_.-])(tests?|spec)([/_.-]|$)", path):
        return False
    if piece.declared:
        is_python = path.endswith((".py", ".pyi"))  # where `main` is a function like any other
        return all(
            _TEST_NAME.fullmatch(it.name) or (it.name == "main" and not is_python)
            for it in piece.declared
        )
    first = rows[piece.code_line - 1].lstrip(" \t;")
    return bool(_MAIN.match(first) or _SHOWS.match(first))


def without_remarks(path: str, rows: Sequence[str]) -> list[str]:
    """Return lines of comments without those that name the file or stand for code."""
    names = {path, PurePosixPath(path).name}
    return [
        row
        for row in rows
        if not stands_for_code(path, row)
        and row.strip(_MARKS).removeprefix("File:").strip() not in names
    ]


def names_of(chain: Sequence[Container]) -> str:
    """Return what the names of members begin with: "" or "Outer.Inner."."""
    return "".join(f"{container.name}." for container in chain)
