"""One download in progress: what the sources share, whatever they read from."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import DownloadFailed
from qwenagent.protocol.messages import Cancel
from qwenagent.registry.cards import Card, load_cards
from qwenagent.registry.sizes import human_bytes
from qwenagent.registry.store import path_of

OnProgress = Callable[[str, int, int], None]
"""Called in the caller's thread with (what is being done, bytes done, bytes in all)."""

_SPARE_BYTES = 64 << 20


class Throttle:
    """Passes progress on every `every_s` seconds at most, but always a new subject and the end."""

    def __init__(self, on_progress: OnProgress, every_s: float = 0.1) -> None:
        """Wrap `on_progress`."""
        self._on_progress = on_progress
        self._every_s = every_s
        self._what = ""
        self._at = 0.0

    def __call__(self, what: str, n_bytes: int, n_total: int) -> None:
        """Pass one report on, or drop it."""
        now = time.monotonic()
        if what == self._what and n_bytes < n_total and now - self._at < self._every_s:
            return
        self._what, self._at = what, now
        self._on_progress(what, n_bytes, n_total)


class PullCancelled(DownloadFailed):
    """The user stopped the download; what has arrived is kept."""

    retryable = False
    exit_code = 130


class NoSpace(DownloadFailed):
    """The disk is too small for the file; no other source would help."""

    retryable = False


@dataclass(frozen=True, slots=True)
class Job:
    """A card on its way to `path`."""

    card: Card
    path: Path
    cancel: Cancel
    on_progress: OnProgress

    def progress(self, what: str, n_bytes: int) -> None:
        """Report the bytes that are there, or stop as `check` does."""
        self.check(n_bytes)
        self.on_progress(what, min(n_bytes, self.card.size_bytes), self.card.size_bytes)

    def check(self, n_bytes: int) -> None:
        """Stop if the user wants no more.

        Raises:
            PullCancelled: they do not.
        """
        if self.cancel.is_set():
            raise PullCancelled(
                f"download of {self.card.name} stopped at {human_bytes(n_bytes)} of "
                f"{human_bytes(self.card.size_bytes)}",
                hint=f"`qwenagent models pull {self.card.name}` goes on with what has arrived",
            )

    def pause(self, seconds: float, what: str, n_bytes: int) -> None:
        """Sleep, ending early when the user wants no more."""
        end = time.monotonic() + seconds
        self.progress(what, n_bytes)
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))
            self.progress(what, n_bytes)

    def require_space(self, n_bytes: int) -> None:
        """Check the disk before filling it.

        Raises:
            NoSpace: fewer than `n_bytes` (and a little) are free.
        """
        require_space(self.path.parent, n_bytes, f"the rest of {self.card.file}")


def require_space(folder: Path, n_bytes: int, what: str) -> None:
    """Check the disk before filling it. `folder` exists.

    Raises:
        NoSpace: fewer than `n_bytes` (and a little) are free.
    """
    wanted, free = n_bytes + _SPARE_BYTES, shutil.disk_usage(folder).free
    if free < wanted:
        raise NoSpace(
            f"{human_bytes(wanted)} are needed in {folder} for {what}, {human_bytes(free)} are "
            f"free, {human_bytes(wanted - free)} are missing",
            hint=space_hint(),
        )


def space_hint() -> str:
    """Return what makes room: which models could go, and where else there may be room."""
    files = [(card.name, path_of(card)) for card in load_cards().values()]
    removable = [
        f"`qwenagent models rm {name}` frees {human_bytes(path.stat().st_size)}"
        for name, path in files
        if path.is_file()
    ]
    return ", or ".join([*removable, "set QWENAGENT_HOME to a folder on a larger disk"])
