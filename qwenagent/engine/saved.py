"""Prompts that were read once, kept on disk with what the model made of them.

A prompt of 2,000 tokens takes half a minute to read on a laptop's CPU and a twentieth of a second
to load. Keyed by everything that decides the numbers in it: weights, library, form of the cache.
Least lately used ones go first. A file that is not what was saved is removed: llama.cpp would load
most damage without a word.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from qwenagent.engine.context import Context

LEAST_TOKENS = 512
"""Prompts, and gains by loading one, that are not worth a file."""
STALE_S = 3600
"""What lies half written for so long, nobody is writing any more."""
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class _Saved:
    """What stands beside a state: the prompt, and the checksum of the state's file."""

    tokens: NDArray[np.int32]
    checksum: int


class SavedPrompts:
    """The files of one kind of cache: for each prompt a `.state` and its `.tokens`."""

    def __init__(self, folder: Path, key: str, limit_bytes: int) -> None:
        """`key` says what the states depend on; `limit_bytes` counts for all keys together."""
        self._all = folder
        self._folder = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        self._limit_bytes = limit_bytes
        self._known: dict[Path, _Saved] | None = None
        self._writable = True

    def load_better(self, context: Context, ids: list[int]) -> None:
        """Load the state that has most of `ids`, if it has much more than the context."""
        wanted = np.array(ids, dtype=np.int32)
        least = n_common(context.tokens, wanted) + LEAST_TOKENS
        while best := self._best(wanted, least, context.n_ctx):
            if self._load(best, context):
                return
            self._remove(best)

    def keep(self, context: Context) -> None:
        """Save the context's prompt, unless most of it is saved already."""
        tokens = np.array(context.tokens, dtype=np.int32)
        known = self._index()
        covered = max((n_common(saved.tokens, tokens) for saved in known.values()), default=0)
        if len(tokens) - covered < LEAST_TOKENS or not self._writable:
            return
        path = self._folder / f"{_name(tokens)}.state"
        try:
            # Another process may have saved the same since this one looked.
            known[path] = _read(path) or self._save(context, path, tokens)
        except OSError:  # no space, read-only: then the next start reads the prompt again
            self._writable = False
            return
        self._make_room(path)

    def _save(self, context: Context, path: Path, tokens: NDArray[np.int32]) -> _Saved:
        """Write both files where nobody looks, then put them into place."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with tempfile.TemporaryDirectory(dir=self._folder, prefix="new-") as folder:
            state, beside = (Path(folder, path.with_suffix(s).name) for s in (".state", ".tokens"))
            if not context.save(state):
                raise OSError
            saved = _Saved(tokens, _checksum(state))
            beside.write_bytes(np.uint32(saved.checksum).tobytes() + tokens.tobytes())
            for file in (beside, state):  # in this order: a state never lacks its tokens
                file.chmod(0o600)  # they hold the repository's text
                file.replace(path.with_suffix(file.suffix))
        return saved

    def _best(self, wanted: NDArray[np.int32], least: int, n_ctx: int) -> Path | None:
        """Return the state with most of the wanted tokens, at least `least`, that fits."""
        lengths = {
            path: n_common(saved.tokens, wanted)
            for path, saved in self._index().items()
            if len(saved.tokens) <= n_ctx
        }
        best = max(lengths, key=lengths.__getitem__, default=None)
        return best if best and lengths[best] >= least else None

    def _load(self, path: Path, context: Context) -> bool:
        try:
            if _checksum(path) != self._index()[path].checksum:
                return False
        except OSError:
            return False
        with suppress(OSError):
            os.utime(path)
        return context.load(path)

    def _index(self) -> dict[Path, _Saved]:
        """Return what is there; looked at once, and tidied up then."""
        if self._known is None:
            self._known = {}
            for path in _leftovers(self._all):
                _delete(path)
            for path in self._folder.glob("*.state"):
                if saved := _read(path):
                    self._known[path] = saved
                else:
                    self._remove(path)
        return self._known

    def _make_room(self, newest: Path) -> None:
        found = []
        for path in self._all.glob("*/*.state"):
            with suppress(OSError):
                status = path.stat()
                found.append((status.st_mtime, status.st_size, path))
        total = sum(size for _, size, _ in found)
        for _, size, path in sorted(found):
            if total <= self._limit_bytes:
                return
            if path != newest:
                self._remove(path)
                total -= size

    def _remove(self, path: Path) -> None:
        if self._known:
            self._known.pop(path, None)
        for file in (path, path.with_suffix(".tokens")):
            _delete(file)


def _leftovers(folder: Path) -> Iterator[Path]:
    """Find what killed processes left behind, of whatever key."""
    for path in folder.glob("*/*"):
        with suppress(OSError):
            paired = path.suffix in (".state", ".tokens") and path.with_suffix(".state").is_file()
            if not paired and time.time() - path.lstat().st_mtime > STALE_S:
                yield path


def _delete(path: Path) -> None:
    with suppress(OSError):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def _read(path: Path) -> _Saved | None:
    """Return what stands beside a state; None if it is missing or not what its name says."""
    try:
        path.stat()
        data = path.with_suffix(".tokens").read_bytes()
        checksum, *_ = np.frombuffer(data[:4], dtype=np.uint32)
        tokens = np.frombuffer(data[4:], dtype=np.int32)
    except (OSError, ValueError):
        return None
    return _Saved(tokens, int(checksum)) if _name(tokens) == path.stem else None


def _name(tokens: NDArray[np.int32]) -> str:
    return hashlib.sha256(tokens.tobytes()).hexdigest()[:32]


def _checksum(path: Path) -> int:
    """Return the CRC-32 of a file: a second for a gigabyte."""
    value = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            value = zlib.crc32(chunk, value)
    return value


def n_common(a: ArrayLike, b: ArrayLike) -> int:
    """Return how many tokens two rows of tokens have in common at their beginning."""
    first, second = np.asarray(a, dtype=np.int32), np.asarray(b, dtype=np.int32)
    n = min(len(first), len(second))
    differing = np.flatnonzero(first[:n] != second[:n])
    return int(differing[0]) if len(differing) else n
