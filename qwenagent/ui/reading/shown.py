"""What the session tells the prompt to show. Values that one thread sets and another reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qwenagent.ui.reading.toolbar import Status

Lines = Callable[[int], str]
"""Returns lines for a width in cells, with colours as escape codes (SGR); empty: there is nothing.

Called in the prompt's thread."""


@dataclass(frozen=True, slots=True)
class Work:
    """Something goes on and can be interrupted; `activity` as the reader says."""

    interrupt: Callable[[], None]
    activity: Lines | None = None


@dataclass(slots=True)
class Shown:
    """Each field is replaced whole, so no thread waits for another."""

    status: Status = field(default_factory=Status)
    work: Work | None = None
    hint: str = ""
    """Stands in place of the status until the next key."""
    unfold: Lines = lambda _: ""
    """Gives what was told in a line whole, as the reader says."""
    away: bool = False
    """Somebody else has the terminal: an editor, a question."""
