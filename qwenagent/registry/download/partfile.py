"""A file that is growing: hashed while it is written, and kept only if the hash is right."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from qwenagent.errors import ChecksumMismatch
from qwenagent.registry.download.job import Job

_CHUNK = 1 << 20


class PartFile:
    """The bytes of a job so far. Use as a context manager; what is there stays on leaving.

    Attributes:
        size: bytes so far.
    """

    def __init__(self, path: Path, job: Job, *, keep_bytes: int | None = None) -> None:
        """Go on with what an earlier attempt left, at most `keep_bytes` of it."""
        self.path = path
        self.size = 0
        self._job = job
        self._hash = hashlib.sha256()
        # Opened for update and not for append: the tail beyond `keep_bytes` is overwritten.
        path.touch()
        self._file = path.open("r+b")
        try:
            self._rehash(job.card.size_bytes if keep_bytes is None else keep_bytes)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()
        if not self.size:
            self.path.unlink(missing_ok=True)

    def append(self, chunk: bytes) -> None:
        """Write on.

        Raises:
            ChecksumMismatch: these are more bytes than the official file has.
        """
        if self.size + len(chunk) > self._job.card.size_bytes:
            self._discard(f"more than its {self._job.card.size_bytes} bytes arrived")
        self._file.write(chunk)
        self._hash.update(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        """Forget the bytes so far."""
        self._file.seek(0)
        self._file.truncate()
        self._hash = hashlib.sha256()
        self.size = 0

    def flush(self) -> None:
        """Make sure that the bytes so far survive this process and a power cut."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def finish(self) -> Path:
        """Return the path of the complete, genuine file, on disk to the last byte.

        Raises:
            ChecksumMismatch: it is not the official one; the bytes are deleted.
        """
        card = self._job.card
        if self.size != card.size_bytes:
            self._discard(f"it has {self.size} of {card.size_bytes} bytes")
        if self._hash.hexdigest() != card.sha256:
            self._discard(f"SHA-256 is {self._hash.hexdigest()}, not {card.sha256}")
        self.flush()
        self._file.close()
        return self.path

    def _discard(self, reason: str) -> None:
        self._file.close()
        self.path.unlink(missing_ok=True)
        raise ChecksumMismatch(f"not the official {self._job.card.file}: {reason}")

    def _rehash(self, keep_bytes: int) -> None:
        while chunk := self._file.read(min(_CHUNK, keep_bytes - self.size)):
            self._hash.update(chunk)
            self.size += len(chunk)
            self._job.progress("checking what is there", self.size)
        self._file.seek(self.size)
        self._file.truncate()
