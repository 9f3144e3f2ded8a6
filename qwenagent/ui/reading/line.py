"""What came of waiting for the user: a line, the end of input, or that they want to leave."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A message, which may have several lines. Never empty or only blanks."""

    text: str
    """Everything that was typed and pasted."""
    shown: str
    """The same with long pastes folded, as it stood on the screen."""
    queued: bool = False
    """Whether it was sent while nobody waited for it."""


@dataclass(frozen=True, slots=True)
class Eof:
    """Nothing comes any more: Ctrl-D, or the terminal is gone."""


@dataclass(frozen=True, slots=True)
class Interrupted:
    """Ctrl-C twice on an empty line."""


Answer = Line | Eof | Interrupted


def cleaned(text: str) -> str:
    """Return typed text with bytes that are no UTF-8 replaced, and CRLF and CR as LF."""
    text = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")
