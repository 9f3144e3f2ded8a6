"""Ends a command with everything it started: its group, and those who left the group.

In a process namespace the end of its first process ends all at once. Without one, who left is
known if the watch saw it, or by the mark in its environment (Linux); a process that left between
two looks and threw its environment away is not found.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

import psutil

from qwenagent.sandbox.watch import Watch

MARK = "QWENAGENT_RUN"
"""Variable whose value tells the processes of one command from all others."""

_GRACE_S = 2.0
_ROUNDS = 20
_ROUND_S = 0.1


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """True if the leader of a command is no longer running; it stays unreaped where that works."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    # The leader stays a zombie, so that its id cannot go to a stranger before its group is ended.
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


def end_all(process: subprocess.Popen[bytes], watch: Watch, mark: str) -> None:
    """End a command's group, with some time to clean up, then whoever left it, at once.

    `mark` is the value of `MARK` in the environment of the processes; "": they have none.
    """
    if mark:  # a namespace ends as a whole
        watch.collect()
    try:
        _end_group(process)
    finally:
        for _ in range(_ROUNDS):
            left = {p.pid: p for p in [*watch.alive(), *(_marked(mark) if mark else ())]}
            for stranger in left.values():
                with contextlib.suppress(psutil.Error):
                    stranger.kill()
            if not left:
                break
            psutil.wait_procs(list(left.values()), timeout=_ROUND_S)


def await_gone(pid: int) -> None:
    """Wait, for some seconds at most, until a process that was told to end has ended."""
    deadline = time.monotonic() + _GRACE_S
    while _state(Path(f"/proc/{pid}/stat"))[0] not in "ZX" and time.monotonic() < deadline:
        time.sleep(0.002)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    try:
        _signal_group(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + _GRACE_S
        while process.poll() is None or _group_lives(process.pid):
            if time.monotonic() >= deadline:
                break
            time.sleep(0.02)
    finally:
        if process.returncode is None or _group_lives(process.pid):
            _signal_group(process.pid, signal.SIGKILL)
        process.wait()


def _group_lives(group: int) -> bool:
    """True if a process of the group runs; zombies wait for their parent and do not count."""
    if not _signal_group(group, 0):
        return False
    states = [_state(file) for file in _of_each("stat")]
    return not states or any(of == group and state not in "ZX" for state, of in states)


def _state(stat: Path) -> tuple[str, int]:
    """Read state letter and process group from Linux's /proc/PID/stat."""
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # ended meanwhile
        return "X", 0
    return fields[0], int(fields[2])


def _of_each(name: str) -> list[Path]:
    """Return this file of each process. `glob` raises where one ends while it looks."""
    try:
        folders = list(Path("/proc").iterdir())
    except OSError:  # no Linux
        return []
    return [folder / name for folder in folders if folder.name.isdecimal()]


def _signal_group(group: int, number: int) -> bool:
    """Send a signal; False if nobody is left to take it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # EPERM: macOS, when only zombies are left
        return False
    return True


def _marked(mark: str) -> list[psutil.Process]:
    """Return the processes that have the mark in the environment they were started with."""
    wanted = f"{MARK}={mark}".encode()
    found = []
    for file in _of_each("environ"):
        with contextlib.suppress(OSError, psutil.Error):  # ended meanwhile, or somebody else's
            if wanted in file.read_bytes().split(b"\0"):
                process = psutil.Process(int(file.parent.name))
                if process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
    return found
