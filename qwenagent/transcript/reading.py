"""Reads a transcript from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from qwenagent.errors import QwenAgentError
from qwenagent.protocol.events import Record
from qwenagent.transcript.versions import record_of


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a transcript in order; a torn last line is skipped.

    Raises:
        QwenAgentError: there is no such file, a newer program wrote it, or a line is no record;
            the message has its number.
    """
    try:
        file = path.open("rb")
    except FileNotFoundError as error:
        raise QwenAgentError(f"no transcript at {path}") from error
    with file:
        for number, line in enumerate(file, start=1):  # binary: split at \n only
            try:
                yield record_of(line)
            except QwenAgentError as error:
                if not line.endswith(b"\n"):
                    return
                place = f"{path}, line {number}: {error.message}"
                raise QwenAgentError(place, hint=error.hint) from error
