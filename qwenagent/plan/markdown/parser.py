"""The Markdown parser: CommonMark with tables, blocks only."""

from __future__ import annotations

from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

NESTING_LIMIT = 60
"""Levels as the parser counts them, two for a list; it drops what lies deeper."""


def block_tokens(markdown: str) -> list[Token]:
    """Return the tokens of all blocks; what is in a line stays as it is written."""
    return _parser().parse(markdown)


@cache
def _parser() -> MarkdownIt:
    # The inline rules are slow on hostile megabytes, and `inline` does what is needed.
    parser = MarkdownIt("commonmark", {"maxNesting": NESTING_LIMIT})
    return parser.enable("table").disable(["inline", "text_join"])
