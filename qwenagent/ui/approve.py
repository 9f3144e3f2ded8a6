"""Those who answer approvals: a flag, nobody, and the terminal.

The terminal is asked directly and not through stdin and stdout, which may be pipes.
"""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from qwenagent.errors import ConfigError
from qwenagent.protocol.approval import Approver, exact
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.protocol.messages import Cancel
from qwenagent.ui.approve_text import (
    MEANT,
    Choice,
    approval_text,
    cut_rows,
    limits,
    offered_by,
    prompt_for,
)
from qwenagent.ui.reading.editing import edited

_POLL_S = 0.1
_SIZE = os.terminal_size((80, 24))
_MORE = "More follows. Enter shows it, q refuses: "


class NobodyApprover:
    """Says no: there is no terminal."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Refuse."""
        return ApprovalAnswered(False, "nobody", request.digest)


class FlagApprover:
    """Says yes to all commands: the user gave --yes. What is no command is asked of `others`."""

    def __init__(self, others: Approver | None = None) -> None:
        """`others` is nobody if it is not given."""
        self._others = others or NobodyApprover()

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Grant commands."""
        if request.kind != "commands":
            return self._others.ask(request)
        return ApprovalAnswered(True, "flag", request.digest)


@dataclass(frozen=True, slots=True)
class _Terminal:
    """An opened terminal."""

    write: Callable[[str], None]
    read_line: Callable[[], str | None]
    """Returns None while there is no line, an empty text at the end of input."""
    size: os.terminal_size
    forget: Callable[[], None]
    """Drops what has been typed and not been read."""
    handle: int | None
    """For programs that take the terminal over; None where they have it already."""


class TerminalApprover:
    """Shows the exact commands, or the exact text, on the terminal and asks; the default is no.

    What does not fit is shown page by page before the question: nothing scrolls past. End of
    input, Ctrl-C and a cancelled run mean no. A command that may be changed opens in the user's
    editor; the changed text is no yes, and is handed back to whoever asked. Works from any thread:
    it looks at `cancel` while it waits, because Ctrl-C reaches the main thread only.
    """

    def __init__(self, *, cancel: Cancel | None = None, terminal: str = "/dev/tty") -> None:
        self._cancel = cancel
        self._terminal = terminal

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Ask and wait for a line; without a terminal the answer is nobody's."""
        try:
            with _opened(self._terminal) as terminal:
                if self._shown(request, terminal):
                    return self._answered(request, terminal)
        except OSError:
            return ApprovalAnswered(False, "nobody", request.digest)
        return ApprovalAnswered(False, "user", request.digest)

    def _shown(self, request: ApprovalAsked, terminal: _Terminal) -> bool:
        """Show all of the request; False if the user has seen enough before its end."""
        rows = cut_rows(approval_text(request) + limits(request), terminal.size.columns)
        n_fit = max(terminal.size.lines - 2, 1)
        while len(rows) > n_fit:
            terminal.write("\n".join([*rows[:n_fit], _MORE]))
            rows = rows[n_fit:]
            if self._line(terminal) not in ("\n", "\r\n"):
                return False
        terminal.write("\n".join(rows) + "\n")
        return True

    def _answered(self, request: ApprovalAsked, terminal: _Terminal) -> ApprovalAnswered:
        choice = self._chosen(request, terminal)
        while choice == "edit":
            text = _changed(request.edit, terminal)
            if text:
                return ApprovalAnswered(False, "user", request.digest, edited=text)
            terminal.forget()
            choice = self._chosen(request, terminal)
        granted = choice in ("once", "always")
        return ApprovalAnswered(granted, "user", request.digest, for_good=choice == "always")

    def _chosen(self, request: ApprovalAsked, terminal: _Terminal) -> Choice:
        """Ask until the answer is one of those that are offered, which a no always is."""
        offered = offered_by(request)
        while True:
            terminal.write(prompt_for(request, offered))
            choice = MEANT.get(self._line(terminal).strip().lower(), "no")
            if choice in offered:
                return choice
            terminal.write(f'    ! "{choice}" is not offered here\n')

    def _line(self, terminal: _Terminal) -> str:
        try:
            while (line := terminal.read_line()) is None:
                if self._cancel is not None and self._cancel.is_set():
                    line = ""
                    break
        except KeyboardInterrupt:
            line = ""
        if not line.endswith("\n"):
            terminal.write("\n")
        return line


def _changed(text: str, terminal: _Terminal) -> str:
    """Have the user change a command; empty, after saying why, if they have not."""
    try:
        new = edited(text, os.environ, terminal.handle).strip()
    except ConfigError as error:
        terminal.write(f"    ! {exact(error.message)}\n")
        return ""
    except KeyboardInterrupt:
        new = ""
    if not new or new == text:
        terminal.write("    ! nothing was changed\n")
        return ""
    return new


@contextmanager
def _opened(path: str) -> Iterator[_Terminal]:
    if os.name == "nt":
        yield _Terminal(_say, _read_stdin, _SIZE, lambda: None, None)
        return
    handle = os.open(path, os.O_RDWR | getattr(os, "O_NOCTTY", 0))
    try:
        _forget_typed_ahead(handle)
        yield _Terminal(
            lambda text: _write_all(handle, text),
            lambda: _read_ready(handle),
            _size_of(handle),
            lambda: _forget_typed_ahead(handle),
            handle,
        )
    finally:
        os.close(handle)


def _size_of(handle: int) -> os.terminal_size:
    with suppress(OSError):
        size = os.get_terminal_size(handle)
        if size.columns and size.lines:
            return size
    return _SIZE


def _forget_typed_ahead(handle: int) -> None:
    """Drop what was typed before the question was shown: it cannot be the answer."""
    import termios  # not on Windows

    with suppress(termios.error):
        termios.tcflush(handle, termios.TCIFLUSH)


def _write_all(handle: int, text: str) -> None:
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    data = text.encode(encoding, "backslashreplace")
    while data:
        data = data[os.write(handle, data) :]


def _read_ready(handle: int) -> str | None:
    ready, _, _ = select.select([handle], [], [], _POLL_S)
    return os.read(handle, 4096).decode("utf-8", "replace") if ready else None


def _say(text: str) -> None:
    print(text, end="", flush=True)


def _read_stdin() -> str:
    if not sys.stdin.isatty():
        raise OSError("stdin is no terminal")
    return sys.stdin.readline()
