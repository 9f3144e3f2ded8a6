"""A Markdown text as lines, blocks at the outermost level and list items, each with its place.

Knows CommonMark with tables, not what a plan is. Lines are counted from 0 and ends are exclusive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from markdown_it.token import Token

from qwenagent.errors import PlanError
from qwenagent.plan.markdown.front_matter import end_of_front_matter
from qwenagent.plan.markdown.parser import NESTING_LIMIT, block_tokens

Kind = Literal[
    "heading", "paragraph", "ordered", "bullets", "code", "rule", "table", "comment", "other"
]

_KINDS: dict[str, Kind] = {
    "heading_open": "heading",
    "paragraph_open": "paragraph",
    "ordered_list_open": "ordered",
    "bullet_list_open": "bullets",
    "fence": "code",
    "code_block": "code",
    "hr": "rule",
    "table_open": "table",
}
_LISTS = {"ordered_list_open", "bullet_list_open"}
_MARKER = re.compile(r"[ \t]*(?:[-*+]|\d{1,9}[.)])")
_BOX_WIDTH = 4
_MARKDOWN_FENCE = re.compile(r"(?:`{3,}|~{3,})\s*(?:md|markdown)\s*$", re.IGNORECASE)
_FENCE_END = re.compile(r"\s*(?:`{3,}|~{3,})\s*$")
_TASK = re.compile(r"\[([ xX])\](?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Item:
    """A list item."""

    start: int
    end: int
    n_markers: int
    """List markers before its text on its first line; more than one in "- 1. text"."""
    ordinal: str
    """The number written before it, empty in a bullet list."""
    task: bool
    """True if it starts with a checkbox."""
    checked: bool
    items: tuple[Item, ...]
    """The items of all lists directly in it."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """A row of a table, the header being the first."""

    line: int
    cells: tuple[str, ...]
    """Inline Markdown, as many as the header has."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the outermost level."""

    kind: Kind
    start: int
    end: int
    text: str = ""
    """Inline Markdown of a heading or a paragraph, lines without indentation."""
    level: int = 0
    """1 to 6 for headings."""
    items: tuple[Item, ...] = ()
    rows: tuple[TableRow, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """Lines and the blocks over them."""

    lines: tuple[str, ...]
    """Those of the front matter are empty."""
    blocks: tuple[Block, ...]
    front: tuple[str, ...] = ()
    """The lines of the front matter with its fences."""


def split_lines(text: str) -> list[str]:
    """Split at LF, CRLF and CR only; NUL becomes U+FFFD as CommonMark wants it; no BOM."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    return text.replace("\0", "\ufffd").split("\n")


def read_document(text: str) -> Document:
    """Read a whole file; front matter becomes empty lines.

    Raises:
        PlanError: lists and quotations are nested too deeply to be read to the end.
    """
    lines = split_lines(text)
    end = end_of_front_matter(lines)
    return _document([""] * end + lines[end:], tuple(lines[:end]))


def _document(lines: list[str], front: tuple[str, ...] = ()) -> Document:
    tokens = block_tokens("\n".join(lines))
    deepest = next((token for token in tokens if token.level >= NESTING_LIMIT - 1), None)
    if deepest is not None:
        # The parser drops everything behind this point, so that later steps would go missing.
        line = deepest.map[0] + 1 if deepest.map else 1
        raise PlanError(
            f"lists and quotations are too deep in line {line}; the limit is "
            f"{NESTING_LIMIT // 2} lists inside each other"
        )
    blocks = (_block(group, lines) for group in _groups(tokens, 0))
    return Document(tuple(lines), tuple(block for block in blocks if block is not None), front)


def unwrapped(document: Document) -> Document | None:
    """Return the document inside the only block of Markdown in it, lines where they were.

    Chats give plans in such a block. None if there is no such block, or several.
    """
    lines = document.lines
    code = (block for block in document.blocks if block.kind == "code")
    wraps = [block for block in code if _MARKDOWN_FENCE.match(lines[block.start])]
    if len(wraps) != 1:
        return None
    start, end = wraps[0].start + 1, wraps[0].end
    if end > start and _FENCE_END.match(lines[end - 1]):
        end -= 1
    return _document(["" if not start <= at < end else line for at, line in enumerate(lines)])


def item_lines(lines: tuple[str, ...] | list[str], item: Item) -> list[str]:
    """Return an item's lines without list marker, checkbox and the indentation they cause."""
    first, column = _after_markers(lines[item.start], item.n_markers)
    rest = [_dedent(line, column) for line in lines[item.start + 1 : item.end]]
    if item.task:
        # Many people indent to the text behind the checkbox.
        indents = [len(line) - len(line.lstrip(" ")) for line in rest if line.strip()]
        columns = min(_BOX_WIDTH, *indents) if indents else 0
        rest = [_dedent(line, columns) for line in rest]
    return [without_checkbox(first), *rest]


def without_checkbox(text: str) -> str:
    """Return the text without a checkbox at its very beginning."""
    return _TASK.sub("", text, count=1) if _TASK.match(text) else text


def checkbox(text: str) -> bool | None:
    """Tell whether the checkbox at the beginning of a text is ticked; None if there is none."""
    found = _TASK.match(text)
    return None if found is None else found[1] != " "


def strip_marker(line: str) -> str:
    """Return a line without indentation, one list marker and one checkbox."""
    marker = _MARKER.match(line)
    is_marker = marker is not None and line[marker.end() :][:1] in {"", " ", "\t"}
    return without_checkbox(line[marker.end() if marker and is_marker else 0 :].strip())


def _groups(tokens: list[Token], level: int) -> Iterator[list[Token]]:
    """Yield each node of a level with everything inside it."""
    start = 0
    for at, token in enumerate(tokens):
        if token.level == level and token.nesting <= 0:
            yield tokens[start : at + 1]
            start = at + 1


def _block(group: list[Token], lines: list[str]) -> Block | None:
    head = group[0]
    if head.map is None:
        return None
    kind = _KINDS.get(head.type, "other")
    start, end = head.map[0], _end_without_blanks(lines, head.map[0], head.map[1])
    if kind in ("ordered", "bullets"):
        return Block(kind, start, end, items=_items(group, lines, None))
    if kind in ("heading", "paragraph"):
        level = int(head.tag[1]) if kind == "heading" else 0
        return Block(kind, start, end, text=group[1].content, level=level)
    if kind == "table":
        return Block(kind, start, end, rows=tuple(_table_rows(group)))
    if head.type == "html_block" and head.content.lstrip().startswith("<!--"):
        kind = "comment"
    return Block(kind, start, end)


def _table_rows(group: list[Token]) -> Iterator[TableRow]:
    starts = [at for at, token in enumerate(group) if token.type == "tr_open"]
    for at, end in zip(starts, [*starts[1:], len(group)], strict=True):
        cells = (token.content for token in group[at:end] if token.type == "inline")
        yield TableRow((group[at].map or (0, 0))[0], tuple(cells))


def _end_without_blanks(lines: list[str], start: int, end: int) -> int:
    # A container's map may take in the blank line after it.
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    return end


def _items(list_tokens: list[Token], lines: list[str], parent: Item | None) -> tuple[Item, ...]:
    inner = list_tokens[1:-1]
    return tuple(_item(group, lines, parent) for group in _groups(inner, inner[0].level))


def _item(group: list[Token], lines: list[str], parent: Item | None) -> Item:
    head = group[0]
    start, end = head.map or (0, 0)
    n_markers = 1 + (parent.n_markers if parent is not None and parent.start == start else 0)
    children = list(_groups(group[1:-1], head.level + 1))
    begins_with_text = bool(children) and children[0][0].type == "paragraph_open"
    ticked = checkbox(_after_markers(lines[start], n_markers)[0]) if begins_with_text else None
    end = _end_without_blanks(lines, start, end)
    bare = Item(start, end, n_markers, head.info, ticked is not None, bool(ticked), ())
    nested = [child for child in children if child[0].type in _LISTS]
    items = tuple(item for child in nested for item in _items(child, lines, bare))
    return Item(start, end, n_markers, head.info, bare.task, bare.checked, items)


def _after_markers(line: str, n_markers: int) -> tuple[str, int]:
    """Return what follows the list markers, and the column where it starts."""
    at = 0
    for _ in range(n_markers):
        marker = _MARKER.match(line, at)
        if marker is None:
            break
        gap = len(line) - len(line[marker.end() :].lstrip()) - marker.end()
        # Five spaces or more are one space and indented code.
        at = marker.end() + (1 if gap > 4 else gap)
    return line[at:], _width(line[: max(at, 1)])


def _width(text: str) -> int:
    return len(text.expandtabs(4))


def _dedent(line: str, columns: int) -> str:
    """Take away up to so many columns of white space, a tab reaching to the next multiple of 4."""
    at, column = 0, 0
    while at < len(line) and column < columns and line[at] in " \t":
        column += 4 - column % 4 if line[at] == "\t" else 1
        at += 1
    return " " * max(0, column - columns) + line[at:]
