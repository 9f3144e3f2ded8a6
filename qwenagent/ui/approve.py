"""Those who answer approvals: a flag, nobody, and the terminal; and the question as text.

The terminal is asked directly and not through stdin and stdout, which may be pipes.
"""

from __future__ import annotations

import os
import select
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import zip_longest

from qwenagent.protocol.approval import Approver, exact
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.protocol.messages import Cancel

_YES = frozenset({"y", "yes"})
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


class TerminalApprover:
    """Shows the exact commands, or the exact text, on the terminal and asks; the default is no.

    What does not fit is shown page by page before the question: nothing scrolls past. End of
    input, Ctrl-C and a cancelled run mean no. Works from any thread: it looks at `cancel` while
    it waits, because Ctrl-C reaches the main thread only.
    """

    def __init__(self, *, cancel: Cancel | None = None, terminal: str = "/dev/tty") -> None:
        self._cancel = cancel
        self._terminal = terminal

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Ask and wait for a line; without a terminal the answer is nobody's."""
        try:
            with _opened(self._terminal) as terminal:
                granted = self._shown(request, terminal) and self._agreed(terminal)
        except OSError:
            return ApprovalAnswered(False, "nobody", request.digest)
        return ApprovalAnswered(granted, "user", request.digest)

    def _shown(self, request: ApprovalAsked, terminal: _Terminal) -> bool:
        """Show all of the request; False if the user has seen enough before its end."""
        rows = _rows(approval_text(request), terminal.size.columns)
        n_fit = max(terminal.size.lines - 2, 1)
        while len(rows) > n_fit:
            terminal.write("\n".join([*rows[:n_fit], _MORE]))
            rows = rows[n_fit:]
            if self._line(terminal) not in ("\n", "\r\n"):
                return False
        terminal.write("\n".join(rows) + "\n")
        return True

    def _agreed(self, terminal: _Terminal) -> bool:
        terminal.write("Approve? [y/N] ")
        return self._line(terminal).strip().lower() in _YES

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


def approval_text(request: ApprovalAsked) -> str:
    """Return question, commands and what is special about each, nothing hidden or left out.

    A line of a command begins with `$` or `>`, a line about it with `!`; one of a text that would
    be sent with `|`.
    """
    lines = [" ".join(exact(request.question).split())]
    if request.kind == "escalation":
        lines += [f"    ! {line}" for note in request.notes for line in exact(note).split("\n")]
        lines += [f"  | {line}" for item in request.items for line in exact(item).split("\n")]
        return "\n".join(lines) + "\n"
    for item, note in zip_longest(request.items, request.notes[: len(request.items)], fillvalue=""):
        first, *more = exact(item).split("\n")
        lines += [f"  $ {first}", *(f"  > {line}" for line in more)]
        lines += [f"    ! {line}" for line in exact(note).split("\n") if line]
    return "\n".join(lines) + "\n"


def _rows(text: str, width: int) -> list[str]:
    """Cut lines at the terminal's width; what continues one cannot be taken for another."""
    return [row for line in text.removesuffix("\n").split("\n") for row in _folded(line, width)]


def _folded(line: str, width: int) -> Iterator[str]:
    margin = "      "
    room = max(width - 1, len(margin) + 2)
    row, n_cells = "", 0
    for char in line:
        wide = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if n_cells + wide > room:
            yield row
            row, n_cells = margin, len(margin)
        row, n_cells = row + char, n_cells + wide
    yield row


@contextmanager
def _opened(path: str) -> Iterator[_Terminal]:
    if os.name == "nt":
        yield _Terminal(_say, _read_stdin, _SIZE)
        return
    handle = os.open(path, os.O_RDWR | getattr(os, "O_NOCTTY", 0))
    try:
        _forget_typed_ahead(handle)
        yield _Terminal(
            lambda text: _write_all(handle, text), lambda: _read_ready(handle), _size_of(handle)
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
