"""The few signs of the terminal view, and their stand-ins where the terminal has no Unicode."""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.protocol.events import StepState


@dataclass(frozen=True, slots=True)
class Symbols:
    """One sign each; `spinner` is a row of frames."""

    ok: str = "✓"
    bad: str = "✗"
    warn: str = "!"
    unsure: str = "◐"
    skipped: str = "○"
    point: str = "●"
    yours: str = "◇"
    dot: str = "·"
    arrow: str = "→"
    bar: str = "│"
    rule: str = "─"
    spinner: str = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


ASCII = Symbols("+", "x", "!", "~", "o", "*", "&", "-", "->", "|", "-", "-\\|/")


def symbols_for(encoding: str | None) -> Symbols:
    """Return the signs that a stream of this encoding can show."""
    name = (encoding or "").lower().replace("-", "").replace("_", "")
    return Symbols() if name.startswith("utf") else ASCII


STATE_STYLE: dict[StepState, str] = {
    "solved": "green",
    "unverified": "yellow",
    "blocked": "red",
    "skipped": "bright_black",
    "for_you": "cyan",
    "pending": "bright_black",
}


def state_symbol(state: StepState, symbols: Symbols) -> str:
    """Return the sign of a step's end."""
    return {
        "solved": symbols.ok,
        "unverified": symbols.unsure,
        "blocked": symbols.bad,
        "skipped": symbols.skipped,
        "for_you": symbols.yours,
        "pending": symbols.dot,
    }[state]
