"""Blocks as Markdown in which nothing from outside is markup: no link, no picture, no tag."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import assert_never

from qwenagent.ui.past.blocks import Block, Code, Diff, Facts, Heading, Item, Table, Tone
from qwenagent.ui.printable import one_line, revealed

# CommonMark: a backslash before ASCII punctuation makes it a plain character. The last three
# become links on sites that look for addresses.
_MARKUP = re.compile(r"(?=[\\`*_\[\]<>#|~&$@]|(?<=:)//|(?<=\bwww)\.)")
_FENCES = re.compile("`{3,}")
_SIGN: dict[Tone, str] = {"plain": "", "dim": "", "good": "✓ ", "bad": "✗ ", "unsure": "! "}
_LANGUAGE = re.compile(r"[a-z0-9]{1,10}")


def markdown(blocks: Iterable[Block]) -> Iterator[str]:
    """Yield the lines of a document."""
    was_item = False
    for block in blocks:
        is_item = isinstance(block, Item)
        if was_item and not is_item:
            yield ""
        was_item = is_item
        yield from _lines(block)
        if not is_item:
            yield ""


def _lines(block: Block) -> Iterator[str]:
    match block:
        case Heading(level=level, text=text):
            yield f"{'#' * level} {_plain(text)}"
        case Facts(rows=rows):
            yield from (f"- {name}: {_plain(value)}" for name, value in rows if value)
        case Item(text=text, tone=tone):
            yield f"- {_SIGN[tone]}{_plain(text)}"
        case Code(text=text, path=path, title=title):
            yield from _folded(title, _fenced(text, _language(path)))
        case Diff(text=text):
            yield from _fenced(text, "diff")
        case Table(header=header, rows=rows):
            yield _row(header)
            yield _row(["---"] * len(header))
            yield from (_row(map(_plain, row)) for row in rows)
        case _:
            assert_never(block)


def _plain(text: str) -> str:
    return _MARKUP.sub(r"\\", one_line(revealed(text)))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _fenced(text: str, language: str) -> list[str]:
    shown = revealed(text).strip("\n")
    longest = max((len(run) for run in _FENCES.findall(shown)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", *shown.split("\n"), fence]


def _folded(title: str, lines: list[str]) -> list[str]:
    if not title:
        return lines
    return [f"<details><summary>{title}</summary>", "", *lines, "", "</details>"]


def _language(path: str) -> str:
    suffix = PurePosixPath(path).suffix[1:].lower()
    return suffix if _LANGUAGE.fullmatch(suffix) else ""
