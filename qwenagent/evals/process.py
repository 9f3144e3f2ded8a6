"""Starts an agent's program for one try, and ends what a killed eval has left behind.

It is not confined: it needs the model, and confines what it runs itself or does not.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import psutil

from qwenagent.evals.arms.arm import Attempt
from qwenagent.sandbox import Box, Limits, Policy, Ran, Sandbox

_UNLIMITED = 1 << 60
_PID_FILE = "agent.pid"
_NOTE_PID = 'echo $$ >"$1"; shift; exec "$@"'


def run_program(
    words: Sequence[str], attempt: Attempt, environ: Mapping[str, str], timeout_s: float
) -> Ran:
    """Run a program in the repository of a try, to its end or to the time limit.

    Raises:
        ChecksError: there is no such program.
    """
    limits = Limits(
        memory_bytes=_UNLIMITED, processes=4096, file_bytes=_UNLIMITED, written_bytes=_UNLIMITED
    )
    box = Box(Sandbox.off("an agent under test"), Policy(attempt.repository, limits=limits))
    note = attempt.scratch / _PID_FILE
    ran = box.run(
        ["/bin/sh", "-c", _NOTE_PID, "sh", str(note), *words],
        cwd=attempt.repository,
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout_s=timeout_s,
        cancel=attempt.cancel,
    )
    note.unlink(missing_ok=True)
    return ran


def end_left_behind(scratch: Path) -> None:
    """End the group of a program whose eval was killed while it worked in this folder."""
    note = scratch / _PID_FILE
    try:
        pid = int(note.read_text(encoding="utf-8"))
        started = psutil.Process(pid).create_time()
        is_it = started <= note.stat().st_mtime + 1 and os.getpgid(pid) == pid
    except (OSError, ValueError, psutil.Error):
        return
    if is_it:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
