"""Colours for a light or a dark terminal whose own sixteen are hard to read. Imports no rich."""

from __future__ import annotations

import os
from typing import Final, Literal

from qwenagent.errors import QwenAgentError

Theme = Literal["terminal", "light", "dark"]

NAMES: Final = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
PALETTES: Final[dict[Theme, tuple[str, ...]]] = {
    "terminal": (),
    "light": (
        *("#24292f", "#cf222e", "#116329", "#7d4e00", "#0969da", "#8250df", "#0f6a75", "#57606a"),
        *("#57606a", "#a40e26", "#1a7f37", "#633c01", "#0550ae", "#6639ba", "#1b7c83", "#424a53"),
    ),
    "dark": (
        *("#8b949e", "#ff7b72", "#3fb950", "#d29922", "#58a6ff", "#bc8cff", "#39c5cf", "#b1bac4"),
        *("#8b949e", "#ffa198", "#56d364", "#e3b341", "#79c0ff", "#d2a8ff", "#56d4dd", "#f0f6fc"),
    ),
}
"""`NAMES`, then their bright ones; 4.5 to 1 at least against white, or against black and #1e1e1e.

4.5 to 1 is what WCAG 2.1 asks of text (success criterion 1.4.3).
"""


def wanted_theme() -> Theme:
    """Return the user's own `ui.theme`; the terminal's colours if the settings cannot be read."""
    from qwenagent.config import load_settings

    try:
        return load_settings(None, os.environ, {}).ui.theme
    except QwenAgentError:  # whoever works with the settings tells what is wrong with them
        return "terminal"


def prompt_colour(name: str, theme: Theme) -> str:
    """Return a colour, one of `NAMES` or "bright" and one, as prompt_toolkit names it."""
    plain = name.removeprefix("bright")
    if theme == "terminal":
        return f"ansi{name}"
    return PALETTES[theme][NAMES.index(plain) + (8 if plain != name else 0)]
