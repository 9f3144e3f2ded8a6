"""Runs one command to its end, confined: a process group of its own, limits, capped output.

The only place that starts project code. What confines it further (namespaces, Landlock) belongs
into `_launcher`. Until then a process that makes a session of its own outlives its command.
Knows nothing of tests.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksError, reason
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox.output import Capped

_POLL_S = 0.05
_GRACE_S = 2.0
_LATE_OUTPUT_S = 0.2
_MAX_FILE_BYTES = 1 << 30


@dataclass(frozen=True, slots=True)
class Ran:
    """What became of a command."""

    exit_code: int
    """Negative: the number of the signal that ended it."""
    output: str
    """Standard output and error in the order of writing, cleaned, the middle cut if long."""
    seconds: float
    timed_out: bool = False
    cancelled: bool = False
    cut_bytes: int = 0
    """Bytes missing in the middle of `output`."""


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    max_output_bytes: int = 1_000_000,
    cancel: Cancel | None = None,
) -> Ran:
    """Run a command without a shell and without input; nothing of its group is left behind.

    `env` is all that the child sees; pass it through `scrubbed` first. `cancel` is looked at
    every 50 ms.

    Raises:
        ChecksError: the program or the folder is not there.
    """
    program = find_program(argv[0], cwd=cwd, env=env) if argv else None
    if program is None:
        raise ChecksError(
            f"{argv[0] if argv else 'an empty command'!r} is not a program: looked at "
            f"PATH={env.get('PATH', os.defpath)} from {cwd}",
            hint="install it, or name another command",
        )
    started = time.monotonic()
    kept = Capped(max_output_bytes)
    process = _start([*_launcher(), program, *argv[1:]], cwd, env)
    try:
        end = _follow(process, kept, started + timeout_s, cancel)
    finally:
        _end_group(process)
        _read_late(process, kept)
    return Ran(
        exit_code=process.returncode,
        output=kept.text(),
        seconds=time.monotonic() - started,
        timed_out=end == "timeout",
        cancelled=end == "cancel",
        cut_bytes=kept.cut_bytes,
    )


def find_program(name: str, *, cwd: Path, env: Mapping[str, str]) -> str | None:
    """Return the absolute path of a program as a child in `cwd` with `env` would find it."""
    if os.sep in name:
        path = cwd.absolute() / name
        return str(path) if path.is_file() and os.access(path, os.X_OK) else None
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(str(cwd.absolute() / f) for f in folders))


def _launcher() -> list[str]:
    # A shell that sets limits on itself and becomes the command: preexec_fn is not safe with
    # threads, and prlimit after the start comes too late for the first fork. `ulimit -f` counts
    # blocks of 512 bytes. A lower limit that is there already stays.
    limits = f"ulimit -c 0; ulimit -f {_MAX_FILE_BYTES // 512}"
    return ["/bin/sh", "-c", f'{{ {limits}; }} 2>/dev/null; exec "$@"', "sh"]


def _start(argv: list[str], cwd: Path, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        raise ChecksError(f"cannot start {argv[4]} in {cwd}: {reason(error)}") from error


def _follow(
    process: subprocess.Popen[bytes], kept: Capped, deadline: float, cancel: Cancel | None
) -> str:
    """Read output until the leader ends, the time is up or somebody cancels; say which."""
    chunks = _chunks(process)
    while True:
        kept.add(next(chunks))
        if _has_ended(process):
            return "end"
        if cancel is not None and cancel.is_set():
            return "cancel"
        if time.monotonic() >= deadline:
            return "timeout"


def _chunks(process: subprocess.Popen[bytes]) -> Iterator[bytes]:
    """Yield what arrives, or b"" after a short wait; for ever."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while True:
            data = os.read(pipe, 65536) if (ready := selector.select(_POLL_S)) else b""
            if ready and not data:
                break
            yield data
    while True:  # nobody writes any more, but the leader lives
        yield b""
        time.sleep(_POLL_S / 5)


def _has_ended(process: subprocess.Popen[bytes]) -> bool:
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return process.poll() is not None
    # The leader stays a zombie, so that its id cannot go to a stranger before its group is ended.
    flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
    return os.waitid(os.P_PID, process.pid, flags) is not None


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
    states = [_state(file) for file in Path("/proc").glob("[0-9]*/stat")]
    return not states or any(of == group and state not in "ZX" for state, of in states)


def _state(stat: Path) -> tuple[str, int]:
    """Read state letter and process group from Linux's /proc/PID/stat."""
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:  # ended meanwhile
        return "X", 0
    return fields[0], int(fields[2])


def _signal_group(group: int, number: int) -> bool:
    """Send a signal; False if nobody is left to take it."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # EPERM: macOS, when only zombies are left
        return False
    return True


def _read_late(process: subprocess.Popen[bytes], kept: Capped) -> None:
    """Read what is still in the pipe; whoever left the group may hold it open, so not for long."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    deadline = time.monotonic() + _LATE_OUTPUT_S
    with process.stdout, contextlib.suppress(BlockingIOError):
        os.set_blocking(pipe, False)
        while (data := os.read(pipe, 65536)) and time.monotonic() < deadline:
            kept.add(data)
