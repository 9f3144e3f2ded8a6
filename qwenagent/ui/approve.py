"""Those who answer approvals: the terminal, a flag, nobody, and the memory of earlier answers.

The terminal is asked directly and not through stdin and stdout, which may be pipes.
"""

from __future__ import annotations

import json
import os
import select
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from qwenagent.protocol.approval import Approver
from qwenagent.protocol.events import ApprovalAnswered, ApprovalAsked
from qwenagent.protocol.messages import Cancel
from qwenagent.ui.printable import visible

_YES = frozenset({"y", "yes"})
_POLL_S = 0.1


class FlagApprover:
    """Says yes to everything: the user gave --yes."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Grant."""
        return ApprovalAnswered(True, "flag", request.digest)


class NobodyApprover:
    """Says no: there is no terminal."""

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Refuse."""
        return ApprovalAnswered(False, "nobody", request.digest)


class TerminalApprover:
    """Shows the exact commands on the terminal and asks; the default is no.

    End of input, Ctrl-C and a cancelled run mean no. Works from any thread: it looks at
    `cancel` while it waits, because Ctrl-C reaches the main thread only.
    """

    def __init__(self, *, cancel: Cancel | None = None, terminal: str = "/dev/tty") -> None:
        self._cancel = cancel
        self._terminal = terminal

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Ask and wait for a line; without a terminal the answer is nobody's."""
        try:
            with _opened(self._terminal) as (write, read_line):
                write(approval_text(request) + "Approve? [y/N] ")
                granted = self._wait(write, read_line)
        except OSError:
            return ApprovalAnswered(False, "nobody", request.digest)
        return ApprovalAnswered(granted, "user", request.digest)

    def _wait(self, write: Callable[[str], None], read_line: Callable[[], str | None]) -> bool:
        try:
            while (line := read_line()) is None:
                if self._cancel is not None and self._cancel.is_set():
                    line = ""
                    break
        except KeyboardInterrupt:
            line = ""
        if not line.endswith("\n"):
            write("\n")
        return line.strip().lower() in _YES


def approval_text(request: ApprovalAsked) -> str:
    """Return question and commands, nothing hidden and nothing left out."""
    lines = [" ".join(visible(request.question).split())]
    for item in request.items:
        first, *more = visible(item).split("\n")
        lines += [f"  $ {first}", *(f"    {line}" for line in more)]
    return "\n".join(lines) + "\n"


@contextmanager
def _opened(
    terminal: str,
) -> Iterator[tuple[Callable[[str], None], Callable[[], str | None]]]:
    """Open the terminal; give a writer and a reader that returns None while there is no line."""
    if os.name == "nt":
        yield _say, _read_stdin
        return
    handle = os.open(terminal, os.O_RDWR | getattr(os, "O_NOCTTY", 0))
    try:
        _forget_typed_ahead(handle)
        yield lambda text: _write_all(handle, text), lambda: _read_ready(handle)
    finally:
        os.close(handle)


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


class RememberingApprover:
    """Answers what the user has granted before; asks `inner` for the rest.

    The store is a JSON file in the state folder, never in the repository: what a repository
    ships must not approve itself. Only a user's own yes is kept. An answer is bound to the
    digest, so changed commands are asked about again.
    """

    def __init__(self, inner: Approver, store_path: Path) -> None:
        self._inner = inner
        self._store_path = store_path

    def ask(self, request: ApprovalAsked) -> ApprovalAnswered:
        """Look the digest up, or ask and keep a yes."""
        if request.digest and request.digest in _read_digests(self._store_path):
            return ApprovalAnswered(True, "remembered", request.digest)
        answer = self._inner.ask(request)
        if answer.granted and answer.by == "user" and answer.digest == request.digest:
            _keep_digest(self._store_path, request.digest)
        return answer


def _read_digests(path: Path) -> list[str]:
    """Return the granted digests; a missing or damaged store has none, so the user is asked."""
    try:
        raw: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    granted = raw.get("granted") if isinstance(raw, dict) else None
    return [d for d in granted if isinstance(d, str)] if isinstance(granted, list) else []


def _keep_digest(path: Path, digest: str) -> None:
    granted = [*(d for d in _read_digests(path) if d != digest), digest]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"version": 1, "granted": granted}, file, indent=1)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
