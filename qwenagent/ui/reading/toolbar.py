"""The line below the prompt: model, device, speed, context, branch, money. Knows no terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from qwenagent.ui import words
from qwenagent.ui.printable import one_line
from qwenagent.ui.symbols import Symbols

_MAX_BRANCH = 24


@dataclass(frozen=True, slots=True)
class Status:
    """What the status line says. What is empty or 0 is not shown."""

    model: str = ""
    device: str = ""
    tokens_per_s: float = 0.0
    """Of the last answer, or of the one that grows."""
    context_used: int = 0
    """Tokens."""
    context_size: int = 0
    reused: int = 0
    """Tokens of the context that were not read anew."""
    branch: str = ""
    spent: float = 0.0
    """US dollars that escalation cost in this session."""


def status_line(status: Status, width: int, symbols: Symbols) -> str:
    """Return as much of the status as fits into `width` cells; the model's name goes last."""
    line = ""
    for parts in _from_long_to_short(status):
        line = f" {symbols.dot} ".join(part for part in parts if part)
        if cells(line) <= width:
            return line
    return fitting(line, width)


def cells(text: str) -> int:
    """Return how many cells of a terminal printable text takes."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def fitting(text: str, width: int) -> str:
    """Return text cut to `width` cells, with "..." where it goes on."""
    if cells(text) <= width:
        return text
    while text and cells(text) > width - 3:
        text = text[:-1]
    return (text.rstrip() + "...")[: max(width, 0)]


def _from_long_to_short(status: Status) -> Iterator[list[str]]:
    """Yield the parts, each time with the least wanted of them shortened or left out."""
    used, size = status.context_used, status.context_size
    context = f"context {words.count(used)} of {words.count(size)}" if size else ""
    percent = f"context {used * 100 // size} %" if size else ""
    reused = f", {words.count(status.reused)} reused" if context and status.reused else ""
    parts = {
        "model": one_line(status.model),
        "device": one_line(status.device),
        "speed": words.speed(round(status.tokens_per_s), 1.0),
        "context": context + reused,
        "branch": one_line(status.branch, _MAX_BRANCH),
        "spent": f"${status.spent:.2f}" if status.spent > 0 else "",
    }
    yield list(parts.values())
    for name, shorter in (
        ("context", context),
        ("device", ""),
        ("context", percent),
        ("speed", ""),
        ("branch", ""),
        ("context", ""),
        ("spent", ""),
    ):
        parts[name] = shorter
        yield list(parts.values())
