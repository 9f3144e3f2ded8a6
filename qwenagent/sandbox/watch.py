"""Looks at a command's processes from outside while it runs, and says when they are too many.

Limits of the kernel do not do for this: the one on processes spares root and counts the user's
other programs, the one on address space breaks node, Java and Go. Ends nobody.
"""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from qwenagent.sandbox.policy import Limits

_PAUSE_S = 0.1
_DISK_PAUSE_S = 0.5
_SHARE = 0.05
"""Of the time that goes into looking, at most."""


class Watch:
    """The processes that descend from one, and what they used up."""

    def __init__(self, pid: int, limits: Limits, tree: Path) -> None:
        self.broke: list[str] = []
        """Sentences about limits that were passed."""
        self._limits = limits
        self._tree = tree
        self._seen: dict[int, psutil.Process] = {}
        self._root: psutil.Process | None = None
        with contextlib.suppress(psutil.Error):
            self._root = psutil.Process(pid)
        self._next = time.monotonic() + _PAUSE_S
        self._next_disk = 0.0
        self._free = _free_bytes(tree)

    def is_over(self) -> bool:
        """Look, if it is time to; True once a limit is passed."""
        now = time.monotonic()
        if now < self._next or self._root is None:
            return bool(self.broke)
        processes = self.collect()
        self._judge("processes", len(processes), self._limits.processes, _plain)
        self._judge("memory", _memory(processes, self._limits), self._limits.memory_bytes, _size)
        if now >= self._next_disk:
            self._judge_disk(processes)
            self._next_disk = now + _DISK_PAUSE_S
        after = time.monotonic()
        self._next = after + max(_PAUSE_S, (after - now) / _SHARE)
        return bool(self.broke)

    def collect(self) -> list[psutil.Process]:
        """Note the descendants that are there now; return them and the leader."""
        if self._root is None:
            return []
        try:
            found: list[psutil.Process] = self._root.children(recursive=True)
        except psutil.Error:
            return []
        # Not the leader: it is waited for by who started it, and nobody else may.
        self._seen.update((process.pid, process) for process in found)
        return [self._root, *found]

    def alive(self) -> list[psutil.Process]:
        """Return those ever seen that still run, also when they left their group or session."""
        return [process for process in self._seen.values() if _runs(process)]

    def _judge(self, what: str, value: int, limit: int, shown: Callable[[int], str]) -> None:
        if value > limit:
            self.broke.append(f"ended: {what} {shown(value)} (limit {shown(limit)})")

    def _judge_disk(self, processes: list[psutil.Process]) -> None:
        free = _free_bytes(self._tree)
        counted = _written(processes)
        written = max(0, self._free - free) if counted is None else counted
        self._judge("written to disk", written, self._limits.written_bytes, _size)
        least = self._limits.free_bytes
        if free < least < written:
            self.broke.append(
                f"ended: {_size(free)} left on the disk (limit {_size(least)}), "
                f"{_size(written)} written"
            )


def _memory(processes: list[psutil.Process], limits: Limits) -> int:
    """Sum what is resident; exactly, shared pages counted once, only if the quick sum is over."""
    quick = sum(_ask(process, lambda p: p.memory_info().rss) or 0 for process in processes)
    if quick <= limits.memory_bytes:
        return quick
    return sum(_ask(process, _proportional) or 0 for process in processes)


def _proportional(process: psutil.Process) -> int:
    try:
        info = process.memory_full_info()
    except psutil.AccessDenied:
        return int(process.memory_info().rss)
    return int(getattr(info, "pss", info.uss))


def _written(processes: list[psutil.Process]) -> int | None:
    """Sum the bytes written to disks, those of ended children too; None where nobody counts."""
    if not hasattr(psutil.Process, "io_counters"):  # macOS
        return None
    counted = [_ask(process, lambda p: p.io_counters().write_bytes) for process in processes]
    known = [number for number in counted if number is not None]
    return sum(known) if known or not processes else None


def _ask(process: psutil.Process, question: Callable[[psutil.Process], int]) -> int | None:
    try:
        return question(process)
    # Ended meanwhile, another user's, or (NotImplementedError) nothing that this system counts.
    except (psutil.Error, OSError, NotImplementedError):
        return None


def _runs(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running()) and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _free_bytes(folder: Path) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 1 << 62


def _plain(number: int) -> str:
    return f"{number:,}"


def _size(n_bytes: int) -> str:
    if n_bytes >= 1 << 30:
        return f"{n_bytes / (1 << 30):.1f} GB"
    return f"{n_bytes / (1 << 20):.0f} MB"
