"""Keeps the machine from going to sleep while something runs, where the system allows it.

Uses the programs that systems bring for this, as children that end with us, however we end. What
cannot be done is left undone: a laptop that sleeps is no reason to refuse the work.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator

_UNTIL_EOF = ("cat",)
"""What the programs below run: it ends when our end of its pipe closes, after SIGKILL too."""
_PATIENCE_S = 2.0


@contextlib.contextmanager
def awake(reason: str) -> Iterator[None]:
    """Keep the system from sleeping for as long as the context lasts. Never raises."""
    commands = _commands(_writable(reason))
    children = [child for command in commands if (child := _start(command))]
    try:
        yield
    finally:
        for child in children:
            _end(child)


def how_awake() -> str:
    """Return the name of the program that keeps this machine awake, empty if none does.

    Tries it: a container has the program, but nobody it could ask. Up to 2 s.
    """
    for command in _commands("checking"):
        if _holds(command):
            return command[0]
    return ""


def _writable(reason: str) -> str:
    """Return what an argument can hold here: the locale may lack a plan's letters."""
    encoding = sys.getfilesystemencoding()
    return reason.encode(encoding, "replace").decode(encoding).replace("\0", " ")


def _commands(reason: str) -> list[tuple[str, ...]]:
    if sys.platform == "darwin":
        candidates = [("caffeinate", "-i", *_UNTIL_EOF)]
    else:
        candidates = [*_of_desktop(reason), _of_systemd(reason)]
    return [command for command in candidates if shutil.which(command[0])]


def _of_systemd(reason: str) -> tuple[str, ...]:
    return (
        *("systemd-inhibit", "--what=idle:sleep", "--mode=block", "--who=qwenagent"),
        *(f"--why={reason}", *_UNTIL_EOF),
    )


def _of_desktop(reason: str) -> list[tuple[str, ...]]:
    """Before version 257 logind does not count what a user's own programs ask it to block."""
    match os.environ.get("XDG_CURRENT_DESKTOP", "").upper().rpartition(":")[2]:
        case "GNOME":
            flags = ("--app-id", "qwenagent", "--reason", reason, "--inhibit", "suspend:idle")
            return [("gnome-session-inhibit", *flags, *_UNTIL_EOF)]
        case "KDE":
            return [("kde-inhibit", "--power", *_UNTIL_EOF)]
    return []


def _start(command: tuple[str, ...]) -> subprocess.Popen[bytes] | None:
    # A session of its own: Ctrl-C is for us, and we may need a while to end in good order.
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError:
        return None


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.stdin:
        with contextlib.suppress(OSError):
            child.stdin.close()
    try:
        child.wait(_PATIENCE_S)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _holds(command: tuple[str, ...]) -> bool:
    """Whether the program gets as far as running what it is to run."""
    try:
        done = subprocess.run(
            command, input=b"held", capture_output=True, timeout=_PATIENCE_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and done.stdout == b"held"
