"""A Markdown text as its leaves in order: text, headings, blocks of code, rows of tables.

Knows nothing of plans.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

from markdown_it.token import Token

from qwenagent.plan.markdown.parser import block_tokens

LeafKind = Literal["text", "heading", "code", "quotation", "header", "row"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A piece of Markdown that has no pieces of its own, but for a quotation."""

    kind: LeafKind
    start: int
    end: int
    """Lines count from 0, the end is exclusive."""
    text: str
    """Inline Markdown, or code; of a quotation its lines as written."""
    depth: int
    """How many lists it is in."""
    level: int = 0
    """1 to 6 for headings."""
    info: str = ""
    """Info string of a fenced block."""
    cells: tuple[str, ...] = ()
    """Of a table's row, or its header; `text` is empty then."""
    quoted: bool = False
    """True for what is in a quotation, which comes as a whole before its parts."""


@lru_cache(maxsize=8)
def leaves(markdown: str) -> tuple[Leaf, ...]:
    """Return the leaves of a text in order."""
    # Cached since several readers look at the same step one after the other.
    reader = _Reader(markdown.split("\n"))
    read = (reader.read(token) for token in block_tokens(markdown))
    return tuple(leaf for leaf in read if leaf is not None)


def pieces(markdown: str) -> Iterator[Leaf]:
    """Yield text, headings and code; each cell of a table is a text of its own."""
    for leaf in leaves(markdown):
        if leaf.kind in ("header", "row"):
            cells = (cell for cell in leaf.cells if cell)
            yield from (replace(leaf, kind="text", text=cell, cells=()) for cell in cells)
        elif leaf.kind != "quotation":
            yield leaf


def language_of(info: str) -> str:
    """Return the word of an info string that names the language, in lower case."""
    return re.split(r"[\s{:,]", info.strip().lower(), maxsplit=1)[0]


class _Reader:
    """Reads the parser's tokens one by one."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._depth = 0
        self._n_quotations = 0
        self._level = 0
        self._in_head = False
        self._cells: list[str] | None = None

    def read(self, token: Token) -> Leaf | None:
        """Take a token; return the leaf that it completes."""
        if token.type in ("fence", "code_block"):
            return self._leaf("code", token, token.content, info=token.info.strip())
        if token.type == "inline":
            return self._inline(token)
        return self._structure(token)

    def _leaf(self, kind: LeafKind, token: Token, text: str, info: str = "") -> Leaf:
        start, end = token.map or (0, 0)
        level = self._level if kind == "heading" else 0
        quoted = self._n_quotations > 0
        return Leaf(kind, start, end, text, self._depth, level, info, quoted=quoted)

    def _inline(self, token: Token) -> Leaf | None:
        if self._cells is not None:
            self._cells.append(token.content)
            return None
        kind: LeafKind = "heading" if self._level else "text"
        return self._leaf(kind, token, token.content) if token.content else None

    def _structure(self, token: Token) -> Leaf | None:
        opens = token.nesting == 1
        match token.type.removesuffix("_open").removesuffix("_close"):
            case "blockquote":
                return self._quotation(token)
            case "bullet_list" | "ordered_list":
                self._depth += token.nesting
            case "heading":
                self._level = int(token.tag[1]) if opens else 0
            case "thead":
                self._in_head = opens
            case "tr" if opens:
                self._cells = []
            case "tr":
                cells, self._cells = tuple(self._cells or ()), None
                kind: LeafKind = "header" if self._in_head else "row"
                return replace(self._leaf(kind, token, ""), cells=cells)
        return None

    def _quotation(self, token: Token) -> Leaf | None:
        leaf = None
        if token.nesting == 1 and not self._n_quotations:
            start, end = token.map or (0, 0)
            leaf = self._leaf("quotation", token, "\n".join(self._lines[start:end]))
        self._n_quotations += token.nesting
        return leaf
