"""A run of pip as a child process, watched while it works, and what it complained about."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO

from qwenagent.errors import DownloadFailed

_POLL_S = 0.1
_GRACE_S = 3.0
_BROKEN = re.compile(r"^WARNING: Retrying .* connection broken by '(.*)'")
_QUIET = ("--progress-bar", "off", "--no-input", "--disable-pip-version-check")


def run_pip(
    arguments: Sequence[str], scratch: Path, failed: str, on_poll: Callable[[], None]
) -> None:
    """Run pip with the user's index, proxy and certificates; all it leaves is in `scratch`.

    `on_poll` is called ten times a second; what it raises ends pip first.

    Raises:
        DownloadFailed: `failed`, and pip's complaint.
    """
    temporary = scratch / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    # -P and the working directory: a pip.py in the user's repository must not be run.
    command = [sys.executable, "-P", "-m", "pip", *arguments, *_QUIET]
    environment = os.environ | {"TMPDIR": str(temporary)}
    with (scratch / "pip.log").open("w+b") as log:
        child = subprocess.Popen(
            command,
            cwd=scratch,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _watch(child, on_poll)
        finally:
            _end(child)
        if child.returncode:
            raise DownloadFailed(f"{failed}: {_complaint(log)}")


def _watch(child: subprocess.Popen[bytes], on_poll: Callable[[], None]) -> None:
    while True:
        on_poll()
        try:
            child.wait(_POLL_S)
            return
        except subprocess.TimeoutExpired:
            continue


def _end(child: subprocess.Popen[bytes]) -> None:
    if child.poll() is not None:
        return
    child.terminate()
    try:
        child.wait(_GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def bytes_under(folder: Path) -> int:
    """Return the size of all files; they come and go, so one that vanished counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size  # noqa: PTH116, PTH118
            except OSError:
                continue
    return total


def _complaint(log: IO[bytes]) -> str:
    """The last error pip printed, and why it could not connect, which it calls a warning."""
    log.seek(0)
    lines = [line.strip() for line in log.read().decode("utf-8", "replace").splitlines()]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR: ")]
    broken = [match[1] for line in lines if (match := _BROKEN.search(line))]
    told = errors or [line for line in lines if line]
    reason = f" ({broken[-1]})" if broken else ""
    return f"{told[-1]}{reason}" if told else "it said nothing"
