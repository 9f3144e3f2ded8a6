"""An answer in words as it grows: Markdown, block by block, each drawn once it is whole.

Everything in it comes from a model: no HTML, no link that a terminal would follow, no picture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from rich.console import Console
from rich.markdown import Markdown
from rich.padding import Padding
from rich.theme import Theme

from qwenagent.ui.printable import printable

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_THEME = Theme(
    {
        # On black, as rich has it, code cannot be read on a light terminal.
        "markdown.code": "cyan",
        "markdown.code_block": "cyan",
        "markdown.h1": "bold",
        "markdown.h2": "bold",
        "markdown.h3": "bold",
        "markdown.link": "default",
        "markdown.link_url": "bright_black",
        "markdown.item.bullet": "bright_black",
        "markdown.item.number": "bright_black",
    }
)


class GrowingText:
    """Cuts a text that grows where a block of Markdown has come to its end."""

    def __init__(self) -> None:
        self.rest = ""
        """What is not a whole block yet."""

    def add(self, text: str) -> list[str]:
        """Take more text; return the blocks that are whole now, each with its line end."""
        self.rest += text
        blocks, at = [], 0
        for end in _ends(self.rest):
            block = self.rest[at:end]
            at = end
            if block.strip():
                blocks.append(block)
        self.rest = self.rest[at:]
        return blocks

    def finish(self) -> list[str]:
        """Return what is left, as a block; there is nothing afterwards."""
        rest, self.rest = self.rest, ""
        return [rest] if rest.strip() else []


def _ends(text: str) -> Iterator[int]:
    """Yield where blocks end: behind a blank line outside of fences, and behind a fence."""
    fence, at = "", 0
    for line in text.splitlines(keepends=True):
        at += len(line)
        if not line.endswith("\n"):
            return
        mark = _FENCE.match(line)
        if fence:
            closes = mark and mark[1].startswith(fence) and not line.strip().strip(mark[1][0])
            if closes:
                fence = ""
                yield at
        elif mark:
            fence = mark[1]
        elif not line.strip():
            yield at


def draw_markdown(text: str, out: Console) -> None:
    """Print Markdown; two blanks stand before each line."""
    drawn = Markdown("", code_theme="ansi_dark", hyperlinks=False)
    # rich leaves HTML out: `List<String>` would lose a half.
    parser = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    parser.disable("image")
    drawn.parsed = parser.parse(printable(text).expandtabs(4))
    with out.use_theme(_THEME):
        out.print(Padding(drawn, (0, 0, 0, 2), expand=False))
