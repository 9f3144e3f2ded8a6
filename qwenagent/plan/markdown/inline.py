"""The marks inside one line of Markdown: code spans, emphasis, links. Knows no blocks."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from markdown_it import MarkdownIt

_RUNS = re.compile(r"(`+)")
_PLAIN_LIMIT = 1000  # characters; parsing emphasis and brackets is slow on hostile long lines
_WITH_CONTENT = {"text", "code_inline", "image"}
_BREAKS = {"softbreak", "hardbreak"}


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark")


def plain(markdown: str) -> str:
    """Return the text without its marks, on one line; what exceeds 1,000 characters is cut."""
    return _plain(markdown[:_PLAIN_LIMIT])


@lru_cache(maxsize=256)
def _plain(markdown: str) -> str:
    # Cached since several readers ask for the same title.
    tokens = _parser().parseInline(markdown)
    children = [child for token in tokens for child in token.children or ()]
    pieces = (
        child.content if child.type in _WITH_CONTENT else " " if child.type in _BREAKS else ""
        for child in children
    )
    return " ".join("".join(pieces).split())


def split_code(line: str) -> list[tuple[bool, str]]:
    """Split a line into (is code, text) pieces at its backticks; pieces are never empty.

    As in CommonMark a run of backticks closes only at a run of the same length; one that never
    closes is text. Takes time linear in the line.
    """
    parts = _RUNS.split(line)
    closing = _closing_runs(parts)
    pieces: list[tuple[bool, str]] = []
    text, at = "", 0
    while at < len(parts):
        if at in closing:
            pieces += [(False, text), (True, "".join(parts[at + 1 : closing[at]]).strip())]
            text, at = "", closing[at] + 1
        else:
            text, at = text + parts[at], at + 1
    return [piece for piece in [*pieces, (False, text)] if piece[1]]


def _closing_runs(parts: list[str]) -> dict[int, int]:
    following: dict[str, int] = {}
    closing = {}
    for at in range(len(parts) - len(parts) % 2 - 1, 0, -2):
        if parts[at] in following:
            closing[at] = following[parts[at]]
        following[parts[at]] = at
    return closing


def code_spans(line: str) -> list[str]:
    """Return the contents of the line's code spans."""
    return [text for is_code, text in split_code(line) if is_code]


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text that separates them by white space."""
    return frozenset(words.split())
