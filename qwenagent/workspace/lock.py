"""One agent per working tree: who has it, since when, and whether that process still lives."""

from __future__ import annotations

import os
import shlex
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from qwenagent.errors import WorkspaceError, reason
from qwenagent.protocol.stored import decoded, encoded
from qwenagent.workspace.listing import is_plain_file

_LOCK = "lock"
_OWNER = "owner.json"


class TreeBusy(WorkspaceError):
    """Another agent works on this tree."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process. When it began tells it from a later one with its number."""

    pid: Annotated[int, Meta(gt=0, lt=1 << 31)]
    started: float

    @classmethod
    def this_process(cls) -> Owner:
        """Return the one that runs this."""
        return cls(os.getpid(), _started(os.getpid()))

    @property
    def is_alive(self) -> bool:
        """Whether it still runs, on this machine."""
        return _started(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a tree, on which machine, since when, and what for."""

    owner: Owner
    host: str
    since: float
    """Seconds since the epoch."""
    what: str


@contextmanager
def tree_lock(private: Path, what: str) -> Iterator[Holder | None]:
    """Have a working tree for oneself; yield who had it and did not give it back, if anybody.

    `private` is the folder of the tree's own inside git's. The system takes the lock from a process
    that dies, so one that is left behind is none. Within a process it can be taken several times.

    Raises:
        TreeBusy: another process has it.
        WorkspaceError: it cannot be kept who has it.
    """
    import filelock

    try:
        private.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(private / _LOCK, is_singleton=True)
        lock.acquire(timeout=0)
    except filelock.Timeout:
        raise _busy(private) from None
    # NotImplementedError is what filelock makes of ENOSYS: the file system has no such locks.
    except (OSError, NotImplementedError) as error:
        raise WorkspaceError(
            f"it cannot be kept in {private} that this tree is in use: {reason(error)}",
            hint="make git's folder writable, or free some disk space",
        ) from error
    is_outermost = lock.lock_counter == 1
    try:
        before = _take(private / _OWNER, what) if is_outermost else None
        yield before
    finally:
        if is_outermost:
            with suppress(OSError):
                (private / _OWNER).unlink(missing_ok=True)
        lock.release()


def _take(place: Path, what: str) -> Holder | None:
    before = _read(place)
    # Arguments that are not UTF-8, or any that are not ASCII where the locale is poor.
    shown = what[:200].encode("utf-8", "backslashreplace").decode()
    holder = Holder(Owner.this_process(), socket.gethostname(), time.time(), shown)
    fresh = place.with_name(f"{place.name}.new")
    try:
        fresh.write_bytes(encoded(holder))
        fresh.replace(place)
    except OSError as error:
        with suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise WorkspaceError(
            f"it cannot be kept in {place} who uses this tree: {reason(error)}",
            hint="make git's folder writable, or free some disk space",
        ) from error
    return before


def _busy(private: Path) -> TreeBusy:
    holder = _read(private / _OWNER)
    if holder is None:  # it has the lock, and has not written yet who it is
        return TreeBusy("another qwenagent works on this tree", hint="wait for it to end")
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(holder.since))
    here = holder.host == socket.gethostname()
    where = "" if here else f" on {shlex.quote(holder.host)}"
    return TreeBusy(
        f"another qwenagent works on this tree since {since}: process {holder.owner.pid}{where}, "
        f"{holder.what!r}",
        hint=f"wait for it to end, or end it: kill {holder.owner.pid}{where and ', ' + where[1:]}",
    )


def _read(place: Path) -> Holder | None:
    if not is_plain_file(place):
        return None
    try:
        return decoded(place.read_bytes(), Holder)
    except (OSError, msgspec.MsgspecError):  # torn, or just removed
        return None


def _started(pid: int) -> float:
    """Return when a process began, 0 if there is none."""
    import psutil

    try:
        return float(psutil.Process(pid).create_time())
    except psutil.Error:
        return 0.0
