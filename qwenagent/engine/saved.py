"""Prompts that were read once, kept on disk with what the model made of them.

A prompt of 2,000 tokens takes half a minute to read on a laptop's CPU and a twentieth of a second
to load. Keyed by everything that decides the numbers in it: weights, library, form of the cache.
Least lately used ones go first. A file that cannot be read is removed.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine.context import Context

LEAST_TOKENS = 512
"""Prompts, and gains by loading one, that are not worth a file."""


class SavedPrompts:
    """The files of one kind of cache."""

    def __init__(self, folder: Path, key: str, limit_bytes: int) -> None:
        """`key` says what the states depend on; `limit_bytes` counts for all keys together."""
        self._all = folder
        self._folder = folder / hashlib.sha256(key.encode()).hexdigest()[:16]
        self._limit_bytes = limit_bytes
        self._known: dict[Path, NDArray[np.int32]] | None = None

    def load_better(self, context: Context, ids: list[int]) -> None:
        """Load the state that has most of `ids`, if it has much more than the context."""
        wanted = np.array(ids, dtype=np.int32)
        held = _n_common(np.array(context.tokens, dtype=np.int32), wanted)
        best, n_best = None, held + LEAST_TOKENS
        for path, tokens in self._index().items():
            n = _n_common(tokens, wanted)
            if n >= n_best:
                best, n_best = path, n
        if best is None:
            return
        if context.load(best):
            with suppress(OSError):
                os.utime(best)
        else:
            self._remove(best)

    def keep(self, context: Context) -> None:
        """Save the context's prompt, unless most of it is saved already."""
        tokens = np.array(context.tokens, dtype=np.int32)
        covered = max((_n_common(t, tokens) for t in self._index().values()), default=0)
        if len(tokens) - covered < LEAST_TOKENS:
            return
        path = self._folder / f"{hashlib.sha256(tokens.tobytes()).hexdigest()[:32]}.state"
        fresh = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not context.save(fresh):
                raise OSError
            fresh.chmod(0o600)  # it holds the repository's text
            np.save(path.with_suffix(".npy"), tokens)
            fresh.replace(path)
        except OSError:  # no space, read-only: then the next start reads the prompt again
            fresh.unlink(missing_ok=True)
            return
        self._index()[path] = tokens
        self._make_room(path)

    def _index(self) -> dict[Path, NDArray[np.int32]]:
        """Return the tokens of every state that is there."""
        if self._known is None:
            self._known = {}
            for path in self._folder.glob("*.state"):
                try:
                    self._known[path] = np.load(path.with_suffix(".npy"), allow_pickle=False)
                except (OSError, ValueError):
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
        for file in (path, path.with_suffix(".npy")):
            with suppress(OSError):
                file.unlink()


def _n_common(a: NDArray[np.int32], b: NDArray[np.int32]) -> int:
    n = min(len(a), len(b))
    differing = np.flatnonzero(a[:n] != b[:n])
    return int(differing[0]) if len(differing) else n
