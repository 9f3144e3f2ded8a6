"""A Markdown text as its leaves in order: text, headings, blocks of code, rows of tables.

Leaves out quotations, which speak of something else, unless they are Python sessions: ">>> f(1)"
is a quotation to Markdown. Knows nothing of plans.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

from markdown_it import MarkdownIt
from markdown_it.token import Token

_NESTING_LIMIT = 60  # levels as the parser counts them, two for a list

LeafKind = Literal["text", "heading", "code", "header", "row"]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A piece of Markdown that has no pieces of its own."""

    kind: LeafKind
    text: str
    depth: int
    """How many lists it is in; of a heading its level."""
    info: str = ""
    """Info string of a fenced block."""
    cells: tuple[str, ...] = ()
    """Of a table's row, or its header; `text` is empty then."""


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"maxNesting": _NESTING_LIMIT})
    return parser.enable("table").disable(["inline", "text_join"])


def leaves(markdown: str) -> Iterator[Leaf]:
    """Yield the leaves of a text."""
    reader = _Reader(markdown.split("\n"))
    for token in _parser().parse(markdown):
        if leaf := reader.read(token):
            yield leaf


class _Reader:
    """Reads the parser's tokens one by one."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines
        self._depth = 0
        self._quoted = 0
        self._level = 0
        self._in_head = False
        self._cells: list[str] | None = None

    def read(self, token: Token) -> Leaf | None:
        """Take a token; return the leaf that it completes."""
        if token.type in ("blockquote_open", "blockquote_close"):
            self._quoted += token.nesting
            is_outermost = token.nesting == 1 and self._quoted == 1
            session = self._session(token) if is_outermost else ""
            return Leaf("code", session, self._depth) if session else None
        if self._quoted:
            return None
        if token.type in ("fence", "code_block"):
            return Leaf("code", token.content, self._depth, token.info.strip())
        if token.type == "inline":
            return self._inline(token.content)
        return self._structure(token)

    def _inline(self, text: str) -> Leaf | None:
        if self._cells is not None:
            self._cells.append(text)
            return None
        if self._level:
            return Leaf("heading", text, self._level)
        return Leaf("text", text, self._depth)

    def _structure(self, token: Token) -> Leaf | None:
        opens = token.nesting == 1
        match token.type.removesuffix("_open").removesuffix("_close"):
            case "bullet_list" | "ordered_list":
                self._depth += token.nesting
            case "heading":
                self._level = int(token.tag[1]) if opens else 0
            case "thead":
                self._in_head = opens
            case "tr" if opens:
                self._cells = []
            case "tr":
                cells, self._cells = self._cells or [], None
                kind: LeafKind = "header" if self._in_head else "row"
                return Leaf(kind, "", self._depth, cells=tuple(cells))
        return None

    def _session(self, token: Token) -> str:
        """Return the lines of a quotation that is a Python session, "" for any other."""
        start, end = token.map or (0, 0)
        lines = [line.strip() for line in self._lines[start:end]]
        if not lines or ">>> " not in lines[0]:
            return ""
        return "\n".join([lines[0][lines[0].index(">>> ") :], *lines[1:]])
