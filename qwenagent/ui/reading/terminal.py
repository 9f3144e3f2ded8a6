"""The reader of a capable terminal: the prompt lives in a thread of its own, the session here."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

from qwenagent.ui.printable import revealed
from qwenagent.ui.reading.above import Above
from qwenagent.ui.reading.ctrlc import hear_ctrl_c
from qwenagent.ui.reading.inbox import Inbox
from qwenagent.ui.reading.line import Answer, Eof, Interrupted, Line
from qwenagent.ui.reading.reader import ReaderOptions
from qwenagent.ui.reading.shown import Lines, Shown, Work
from qwenagent.ui.reading.toolbar import Status

if TYPE_CHECKING:
    from qwenagent.ui.reading.prompt import Prompt

_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"
_POLL_S = 0.1
_START_S = 1.0
"""For the prompt to appear, or to end for whatever reason; it is not waited for longer."""


class TerminalReader:
    """A `Reader` with a prompt that stays on the screen from `__enter__` on, work or not."""

    def __init__(self, options: ReaderOptions, stdin: TextIO, stdout: TextIO) -> None:
        self._options = options
        self._stdin = stdin
        self._stdout = stdout
        self._inbox = Inbox()
        self._shown = Shown()
        self._out = Above(self._give, stdout)
        self._thread = threading.Thread(target=self._run, name="prompt", daemon=True)
        self._lock = threading.Lock()
        self._lending = threading.Lock()
        self._prompt: Prompt | None = None
        """While it is on the screen."""
        self._give_back: Callable[[], None] = _nothing
        self._on_screen = threading.Event()
        self._leaving = False
        self._lent = False
        self._pending: list[str] = []

    @property
    def out(self) -> TextIO:
        """Return the stream whose lines appear above the prompt."""
        return self._out

    @property
    def queued(self) -> tuple[str, ...]:
        """Return the messages that were sent and not read yet."""
        return tuple(line.text for line in self._inbox.queued)

    def __enter__(self) -> Self:
        reconfigure = getattr(self._stdout, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
        self._give_back = hear_ctrl_c(self._stdin)
        self._thread.start()
        self._on_screen.wait(_START_S)  # whatever the caller does next would slow it down
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._out.finish()
        with self._lock:
            self._leaving = True
            if self._prompt is not None:
                self._prompt.call(self._prompt.leave)
        self._thread.join()
        self._give_back()

    def read(self) -> Answer:
        """Wait for a message and print it above the prompt."""
        while True:
            try:
                answer = self._inbox.take()
            except KeyboardInterrupt:
                if self._shown.away:  # meant for the editor
                    continue
                return Interrupted()
            if isinstance(answer, Line):
                self._out.write(_echo(answer))
            return answer

    @contextmanager
    def working(
        self, interrupt: Callable[[], None], activity: Lines | None = None
    ) -> Iterator[None]:
        """Queue messages and let Esc and Ctrl-C interrupt, until left."""
        self._shown.work = Work(interrupt, activity)
        self._refresh()
        try:
            yield
        finally:
            self._shown.work = None
            self._shown.hint = ""
            self._refresh()

    @contextmanager
    def released(self) -> Iterator[None]:
        """Take the prompt off the screen and leave the terminal to the caller."""
        with self._lending:
            give_back = self._borrowed()
            try:
                yield
            finally:
                with self._lock:
                    self._lent = False  # from here on lines wait for the prompt
                give_back()

    def show(self, status: Status) -> None:
        """Replace the status line."""
        self._shown.status = status
        self._refresh()

    def unfold_with(self, unfold: Lines) -> None:
        """Print what this returns above the prompt, at Ctrl-O."""
        self._shown.unfold = unfold

    def _refresh(self) -> None:
        with self._lock:
            if self._prompt is not None:
                self._prompt.refresh()

    def _borrowed(self) -> Callable[[], None]:
        """Wait until the prompt is off the screen; return what brings it back."""
        free = threading.Event()

        def lent() -> None:
            with self._lock:
                self._write_pending()
                self._lent = True
            free.set()

        with self._lock:
            if self._prompt is None:
                return _nothing
            give_back = self._prompt.lend(lent)
        while not free.wait(_POLL_S):
            if self._is_over():
                return _nothing
        return give_back

    def _is_over(self) -> bool:
        return self._prompt is None

    def _give(self, text: str) -> None:
        """Print above the prompt, soon; at once where there is none."""
        with self._lock:
            if self._prompt is None or self._lent:
                self._write(text)
            else:
                self._pending.append(text)
                self._prompt.call(self._drain)

    def _drain(self) -> None:
        """Print what is pending, unless somebody has the terminal. In the prompt's thread."""
        with self._lock:
            if self._prompt is not None and self._pending and not self._shown.away:
                self._prompt.print_above("".join(self._pending))
                self._pending.clear()

    def _write_pending(self) -> None:
        self._write("".join(self._pending))
        self._pending.clear()

    def _write(self, text: str) -> None:
        with suppress(OSError):  # a terminal that is gone; `read` says so
            self._stdout.write(text)
            self._stdout.flush()

    def _run(self) -> None:
        try:
            self._inbox.end(self._prompted())
        except EOFError:
            self._inbox.end(Eof())
        except BaseException as error:  # raised where the session waits
            self._inbox.end(error)
        finally:
            self._on_screen.set()

    def _prompted(self) -> Eof | Interrupted:
        from qwenagent.ui.reading.prompt import Prompt

        prompt = Prompt(self._options, self._inbox, self._shown, self._stdin, self._stdout)
        return prompt.run(lambda: self._began(prompt), self._ended, self._drain)

    def _began(self, prompt: Prompt) -> None:
        with self._lock:
            self._prompt = prompt
            if self._leaving:
                prompt.leave()
        self._on_screen.set()

    def _ended(self) -> None:
        """The prompt is off the screen for good."""
        with self._lock:
            self._prompt = None
            self._write_pending()


def _nothing() -> None:
    """There is nothing to bring back."""


def _echo(line: Line) -> str:
    """Return a message as it stays on the screen."""
    shown = revealed(line.shown).expandtabs(4).replace("\n", "\n  ")
    return f"{_BOLD}> {shown}{_PLAIN}\n"
