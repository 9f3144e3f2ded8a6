"""Puts lines in the place of others and knows which lines stayed. Knows no files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qwenagent.workspace import Run


@dataclass(frozen=True, slots=True)
class Span:
    """Lines to replace, counted from 0, `end` excluded; of no length where lines are added."""

    start: int
    end: int
    rows: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spliced:
    """A text, and the lines of the old one that are in it untouched."""

    text: str
    kept: tuple[Run, ...] | None = None
    """None for a text that is all new."""


def spliced(old: str, spans: Iterable[Span]) -> Spliced:
    r"""Return `old` with its spans replaced; they are in order and do not overlap.

    Lines end in "\n" alone; what is after the last "\n" is a line too, if an empty one.
    """
    lines = old.split("\n")
    rows: list[str] = []
    kept: list[Run] = []
    at = 0
    for span in [*spans, Span(len(lines), len(lines), ())]:
        kept.append((at, len(rows), span.start - at))
        rows += [*lines[at : span.start], *span.rows]
        at = span.end
    return Spliced("\n".join(rows), tuple(run for run in kept if run[2]))
