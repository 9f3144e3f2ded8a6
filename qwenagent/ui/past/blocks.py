"""The parts of a document about a run, before it is Markdown or HTML. All text is as it came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Tone = Literal["plain", "dim", "good", "bad", "unsure"]


@dataclass(frozen=True, slots=True)
class Heading:
    """Level 1 is the document's own."""

    level: Literal[1, 2]
    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and what they stand for."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One line about one thing."""

    text: str
    tone: Tone = "plain"


@dataclass(frozen=True, slots=True)
class Code:
    """Lines that are shown as they are."""

    text: str
    path: str = ""
    """The file whose language it is in, if it is code."""
    title: str = ""
    """If there is one, the text is folded away under it. Ours: it is put down as it is."""


@dataclass(frozen=True, slots=True)
class Diff:
    """A unified diff of one or more files."""

    text: str


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under a header."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


Block = Heading | Facts | Item | Code | Diff | Table
