"""Chooses how the user is read: with a prompt on a capable terminal, by plain lines elsewhere.

Importing this does not import prompt_toolkit; the thread that shows the prompt does.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TextIO

from qwenagent.ui.choose_view import is_capable
from qwenagent.ui.reading.completing import Sources
from qwenagent.ui.reading.line import Answer
from qwenagent.ui.reading.shown import Lines
from qwenagent.ui.reading.toolbar import Status


@dataclass(frozen=True, slots=True)
class ReaderOptions:
    """What a reader knows from its start."""

    history: Path | None = None
    """File of what was sent before, of one repository; None keeps nothing."""
    keys: Literal["emacs", "vi"] = "emacs"
    sources: Sources = field(default_factory=Sources)


class Reader(Protocol):
    """Reads messages for a session; a context manager that gives the terminal back.

    One thread reads and works, any thread may print. While the reader is open, nothing but
    `out` may be written to, and nobody else may read from the terminal, except in `released`.
    """

    @property
    def out(self) -> TextIO:
        """Where everything is printed to; it appears above the prompt, by whole lines."""
        ...

    @property
    def queued(self) -> tuple[str, ...]:
        """Messages that the next calls of `read` return at once."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def read(self) -> Answer:
        """Wait for the next message; it is printed above the prompt as it is returned."""
        ...

    def working(
        self, interrupt: Callable[[], None], activity: Lines | None = None
    ) -> AbstractContextManager[None]:
        """While inside, messages are queued, and Esc or Ctrl-C call `interrupt`.

        What `activity` returns stands above the prompt; it is asked often. `interrupt` is called
        in another thread or a signal's handler, perhaps several times: set a flag.
        """
        ...

    def released(self) -> AbstractContextManager[None]:
        """While inside, the terminal is the caller's, lines and keys, as before the session.

        Blocks until the prompt has left the screen. What was typed is back afterwards.
        """
        ...

    def show(self, status: Status) -> None:
        """Replace the status line."""
        ...

    def unfold_with(self, unfold: Lines) -> None:
        """Print above the prompt what this returns, at a key."""
        ...


def make_reader(
    options: ReaderOptions | None = None,
    *,
    plain: bool = False,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
) -> Reader:
    """Return the reader for these streams; a terminal that cannot redraw lines gets plain ones."""
    options = options or ReaderOptions()
    stdin, stdout = stdin or sys.stdin, stdout or sys.stdout
    if plain or not stdin.isatty() or not is_capable(stdout):
        from qwenagent.ui.reading.plain import PlainReader

        return PlainReader(stdin, stdout)
    from qwenagent.ui.reading.terminal import TerminalReader

    return TerminalReader(options, stdin, stdout)
