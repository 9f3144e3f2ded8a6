"""Chooses the face for a stream. Imports rich only if a terminal is really drawn on."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, Self, TextIO

from qwenagent.protocol.events import Record
from qwenagent.ui.jsonl import JsonlView
from qwenagent.ui.plain import PlainView
from qwenagent.ui.theme import wanted_theme

if TYPE_CHECKING:
    from types import TracebackType

    from rich.console import Console

Mode = Literal["auto", "json", "plain"]


class View(Protocol):
    """A sink and a context manager; leaving it restores whatever it changed about the terminal."""

    def __call__(self, record: Record) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def make_view(mode: Mode, stdout: TextIO) -> View:
    """Return the view for a mode; "auto" is live on a capable terminal and plain elsewhere."""
    if mode == "json":
        return JsonlView(stdout)
    if mode == "plain" or not is_capable(stdout):
        return PlainView(stdout)
    from qwenagent.ui.live import LiveView

    return LiveView(console(stdout))


def is_capable(stream: TextIO) -> bool:
    """Return whether lines on this stream can be redrawn."""
    if not stream.isatty():
        return False
    if os.name == "nt":
        return True
    return os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def console(stream: TextIO, *, force: bool = False) -> Console:
    """Return a rich console on `stream` that reads no markup, emoji codes or numbers out of text.

    Characters that the stream's encoding lacks become "?". NO_COLOR is respected by rich. `force`
    takes the stream for a terminal. Colours are those of the user's `ui.theme`.
    """
    from rich.console import Console

    from qwenagent.ui.palette import PaletteConsole

    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")
    theme = wanted_theme()
    made = Console if theme == "terminal" else partial(PaletteConsole, theme)
    return made(
        file=stream, force_terminal=force or None, markup=False, emoji=False, highlight=False
    )
