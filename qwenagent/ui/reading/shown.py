"""What the session tells the prompt to show. Values that one thread sets and another reads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from qwenagent.ui.reading.toolbar import Status


@dataclass(frozen=True, slots=True)
class Work:
    """Something goes on and can be interrupted; `activity` as the reader says."""

    interrupt: Callable[[], None]
    activity: Callable[[int], str] | None = None


@dataclass(slots=True)
class Shown:
    """Each field is replaced whole, so no thread waits for another."""

    status: Status = field(default_factory=Status)
    work: Work | None = None
    hint: str = ""
    """Stands in place of the status until the next key."""
    away: bool = False
    """Somebody else has the terminal: an editor, a question."""
