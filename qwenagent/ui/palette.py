"""A console that draws in other colours than the terminal's own sixteen.

Everything is drawn in the sixteen colours that a terminal's user chose. Where a palette is wanted
instead, they are replaced where a line leaves for the screen, whoever drew it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from rich.color import Color, ColorType
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.style import Style

from qwenagent.ui.theme import PALETTES, Theme


class PaletteConsole(Console):
    """A console that draws the sixteen colours by a palette."""

    def __init__(self, theme: Theme, **options: Any) -> None:
        """`options` are those of a `Console`."""
        super().__init__(**options)
        self._theme = theme

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Yield what is drawn."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text, _recoloured(style, self._theme) if style else style, control)


@lru_cache(maxsize=1024)
def _recoloured(style: Style, theme: Theme) -> Style:
    fore, back = (_by_palette(colour, theme) for colour in (style.color, style.bgcolor))
    return style + Style(color=fore, bgcolor=back) if fore or back else style


def _by_palette(colour: Color | None, theme: Theme) -> Color | None:
    """Return what stands for a colour; None if it stays."""
    if colour is None or colour.type is not ColorType.STANDARD or colour.number is None:
        return None
    return Color.parse(PALETTES[theme][colour.number])
