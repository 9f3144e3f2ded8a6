"""The redrawn lines at the bottom of a terminal: what is going on now, and the growing answer.

The emitting thread replaces one immutable `Activity`; the drawing thread only reads it, so
that neither waits for the other.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from qwenagent.protocol.events import Progress
from qwenagent.ui import words
from qwenagent.ui.printable import one_line, printable
from qwenagent.ui.symbols import Symbols

_TAIL_LINES = 12
_TAIL_CHARS = 4000
_FRAMES_PER_S = 8


@dataclass(frozen=True, slots=True)
class Activity:
    """What is going on. Times are the drawing clock's seconds."""

    what: str
    since: float
    progress: Progress | None = None
    first_done: int = 0
    """`progress.done` when it was first heard of, for the speed."""
    first_done_at: float = 0.0
    n_pieces: int = 0
    """Pieces of text written so far: one a token, nearly."""
    writing_since: float = 0.0
    text: str = ""
    """The end of the answer that is growing."""


class Below:
    """Shows one `Activity` on a terminal; on anything else it draws nothing."""

    def __init__(
        self, console: Console, symbols: Symbols, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._console = console
        self._symbols = symbols
        self._clock = clock
        self._activity: Activity | None = None
        self._live: Live | None = None
        self._paused = False

    def start(self) -> None:
        """Begin to draw, if the console is a terminal. Hides the cursor until `stop`."""
        if self._live is None and self._console.is_terminal:
            self._live = Live(
                console=self._console,
                get_renderable=self.rendered,
                refresh_per_second=_FRAMES_PER_S,
                transient=True,
                vertical_overflow="crop",
            )
            self._live.start()

    def stop(self) -> None:
        """Remove the lines and give the cursor back. A second call does nothing."""
        self._activity = None
        self._paused = False
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def pause(self) -> None:
        """Remove the lines until `resume`: somebody else has the terminal."""
        drawing = self._live is not None
        self.stop()
        self._paused = drawing

    def resume(self) -> None:
        """Draw again after `pause`, unless `stop` came between."""
        if self._paused:
            self._paused = False
            self.start()

    def show(self, what: str) -> None:
        """Replace what is going on; its time starts now."""
        self._activity = Activity(one_line(what), self._clock())

    def clear(self) -> None:
        """Nothing is going on."""
        self._activity = None

    def progress(self, event: Progress) -> None:
        """Say how far the work is."""
        now = self._clock()
        last = self._activity
        if last is None or last.progress is None or last.progress.what != event.what:
            last = Activity("", now, first_done=event.done, first_done_at=now)
        self._activity = replace(last, progress=event)

    def write(self, text: str) -> None:
        """Add text to the answer."""
        now = self._clock()
        last = self._activity
        if last is None or not last.n_pieces:
            last = Activity("writing", now, writing_since=now)
        self._activity = replace(
            last, n_pieces=last.n_pieces + 1, text=(last.text + text)[-_TAIL_CHARS:]
        )

    def rewrite(self, text: str) -> None:
        """Replace the text of the answer: the rest of it stands elsewhere."""
        if self._activity is not None:
            self._activity = replace(self._activity, text=text[-_TAIL_CHARS:])

    def rendered(self) -> RenderableType:
        """Return the lines as they are now, none wider than the console."""
        activity = self._activity
        if activity is None:
            return Group()
        return Group(*self._tail(activity), self._status(activity))

    def _tail(self, activity: Activity) -> list[Text]:
        room = max(0, min(_TAIL_LINES, self._console.height - 4))
        if not activity.text or not room:
            return []
        lines = printable(activity.text).expandtabs(4).rstrip("\n").split("\n")[-room:]
        return [self._cut(f"  {self._symbols.bar} ", line) for line in lines]

    def _cut(self, prefix: str, line: str) -> Text:
        text = Text(prefix, "bright_black", no_wrap=True, overflow="crop")
        return text.append(line, "default")

    def _status(self, activity: Activity) -> Text:
        now = self._clock()
        frames = self._symbols.spinner
        frame = frames[int(now * _FRAMES_PER_S) % len(frames)]
        what, *more = _parts(activity, now)
        parts = [what, words.duration(now - activity.since) or "0.0 s", *more]
        text = Text(f"  {frame} ", "cyan", no_wrap=True, overflow="crop")
        return text.append(f" {self._symbols.dot} ".join(parts), "bright_black")


def _parts(activity: Activity, now: float) -> list[str]:
    if activity.n_pieces:
        rate = words.speed(activity.n_pieces, now - activity.writing_since)
        return [activity.what, words.plural(activity.n_pieces, "token"), *([rate] if rate else [])]
    event = activity.progress
    if event is None:
        return [activity.what]
    rate = ""
    if event.unit == "tokens":
        rate = words.speed(event.done - activity.first_done, now - activity.first_done_at)
    return [words.progress_line(event), *([rate] if rate else [])]
