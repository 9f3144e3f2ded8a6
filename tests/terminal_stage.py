"""A real pseudo-terminal: a program in it, keys that go in, the screen that comes out."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pexpect
import pyte

CHECKOUT = Path(__file__).parent.parent
_LIMIT_S = 60.0
"""For anything to appear: shared machines stall."""
_HIDDEN = {0x200D: None, 0xFE0F: None}


class _Screen(pyte.Screen):
    """A screen that answers questions, and survives characters which pyte stumbles over."""

    def __init__(self, columns: int, rows: int, answer: Callable[[str], object]) -> None:
        super().__init__(columns, rows)
        self._answer = answer

    def draw(self, data: str) -> None:
        super().draw(data.translate(_HIDDEN))  # pyte drops what follows them in a write

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    # pyte passes on `private=True` for sequences that begin with "?" or ">", which these lack.
    def report_device_status(self, mode: int, **_: bool) -> None:
        super().report_device_status(mode)

    def select_graphic_rendition(self, *attrs: int, **_: bool) -> None:
        super().select_graphic_rendition(*attrs)


class Terminal:
    """A program in a terminal of its own; leaving the context ends it.

    Nothing is read but in the methods that wait, so a test sees the screen where it asks for it.
    """

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        cwd: Path = CHECKOUT,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._child: Any = pexpect.spawn(
            argv[0],
            list(argv[1:]),
            cwd=str(cwd),
            env=dict(env if env is not None else terminal_env()),
            dimensions=(rows, columns),
            timeout=_LIMIT_S,
            preexec_fn=_hear_ctrl_c,
        )
        self._child.delaybeforesend = None
        self._screen = _Screen(columns, rows, self._child.send)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        """Everything that was written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._child.isalive():
            self._child.kill(signal.SIGKILL)
        self._child.wait()
        self._close()

    def type(self, *keys: str) -> None:
        """Send keys, each text in a write of its own."""
        for text in keys:
            self._child.send(text)

    def paste(self, text: str) -> None:
        """Send text as a terminal does that marks pastes, with CR for line ends."""
        self._child.send(f"\x1b[200~{text.replace(chr(10), chr(13))}\x1b[201~")

    def resize(self, columns: int, rows: int) -> None:
        """Change the size, as a window does."""
        self._screen.resize(rows, columns)
        self._child.setwinsize(rows, columns)

    def lines(self) -> list[str]:
        """Return the lines of the screen, without blanks and empty lines at their ends."""
        lines = [line.rstrip() for line in self._screen.display]
        while lines and not lines[-1]:
            lines.pop()
        return lines

    def cursor(self) -> tuple[int, int]:
        """Return row and column of the cursor, from 0."""
        return self._screen.cursor.y, self._screen.cursor.x

    def colours(self) -> set[str]:
        """Return the foreground and background colours on the screen."""
        cells = [cell for row in self._screen.buffer.values() for cell in row.values()]
        return {colour for cell in cells for colour in (cell.fg, cell.bg)}

    def cells(self) -> list[list[Any]]:
        """Return the screen's cells, each with `data`, `fg`, `bg`, `bold`, `italics`, `reverse`."""
        columns = range(self._screen.columns)
        rows = range(self._screen.lines)
        return [[self._screen.buffer[row][column] for column in columns] for row in rows]

    def shows(self, *lines: str) -> None:
        """Wait until the whole screen is these lines; fail with what it is."""
        self.read_until(lambda: self.lines() == list(lines))
        shown = self.lines()
        assert shown == list(lines), "\n".join(["this is on the screen:", *shown])

    def waits_for(self, text: str, times: int = 1) -> None:
        """Wait until `text` is in so many lines of the screen, or in more."""
        self.read_until(lambda: sum(text in line for line in self.lines()) >= times)
        shown = self.lines()
        screen = "\n".join(shown)
        n = sum(text in line for line in shown)
        assert n >= times, f"{text!r} is {n} times on the screen, not {times}:\n{screen}"

    def ends(self) -> int:
        """Wait for the program's end; return its exit code, or the signal's number below 0."""
        self.read_until(lambda: False)
        shown = "\n".join(self.lines())
        assert self._child.flag_eof, f"it did not end; this is on the screen:\n{shown}"
        self._child.wait()
        code = self._child.exitstatus
        return int(-self._child.signalstatus if code is None else code)

    def hang_up(self) -> None:
        """Close the terminal, as a closed window does, and wait for the program's end."""
        self._child.ptyproc.fileobj.close()
        limit = time.monotonic() + _LIMIT_S
        while self._child.isalive() and time.monotonic() < limit:
            time.sleep(0.05)

    def kill(self, number: int = signal.SIGINT) -> None:
        """Send the program a signal."""
        self._child.kill(number)

    def _close(self) -> None:
        self._child.ptyproc.delayafterclose = 0  # it has ended: there is nothing to wait for
        self._child.close()

    def read_until(self, done: Callable[[], bool]) -> None:
        """Read until `done`, the program's end, or the limit."""
        limit = time.monotonic() + _LIMIT_S
        while not done() and time.monotonic() < limit:
            try:
                data = self._child.read_nonblocking(65536, timeout=0.1)
            except pexpect.TIMEOUT:
                continue
            except pexpect.EOF:
                return
            self.raw += data
            self._stream.feed(data)


def _hear_ctrl_c() -> None:
    """Undo in the new process what it inherits where the tests run in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def terminal_env(**more: str) -> dict[str, str]:
    """Return the environment of a UTF-8 terminal with 256 colours, with `more` on top of it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, "TERM": "xterm-256color", "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8", **more}
