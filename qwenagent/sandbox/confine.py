"""Runs one command to its end: a group of its own, limits, capped output, nobody left behind.

The only place that starts project code. What hides the machine from it is a `Wrapper`; the plain
one hides nothing. Knows nothing of tests.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import selectors
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from qwenagent.errors import ChecksError, reason
from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox.ending import MARK, end_all, has_ended
from qwenagent.sandbox.output import Capped
from qwenagent.sandbox.policy import Policy
from qwenagent.sandbox.watch import Watch

_POLL_S = 0.05
_LATE_OUTPUT_S = 0.2
_TASKS_PER_PROCESS = 16
"""Threads count as processes for the kernel's limit, and Go, Java and node start many."""


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
    broke: tuple[str, ...] = ()
    """Sentences on limits that ended it or cut something, and on what had to be put right."""


@dataclass(slots=True)
class Wrapped:
    """A command as it is started, and how its end is to be read."""

    argv: list[str]
    cwd: Path
    env: dict[str, str]
    mark: str = ""
    """Set in `env` where processes must be found by it afterwards."""
    fds: tuple[int, ...] = ()
    """Open for the child."""
    read_exit: Callable[[int, str], int] = lambda code, _: code
    """Makes of the leader's exit code and the output the command's; may raise ChecksError."""
    await_end: Callable[[], None] = lambda: None
    """Returns once those have ended who end by themselves after the leader."""
    broken: list[str] = field(default_factory=list)
    """Filled when the wrapper is left: what had to be put right."""


class Wrapper(Protocol):
    """Makes a command a confined one."""

    def wrapped(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], policy: Policy
    ) -> contextlib.AbstractContextManager[Wrapped]:
        """Give what is to be started; leaving it cleans up. `argv[0]` is an absolute path."""
        ...


@dataclass(frozen=True, slots=True)
class Plain:
    """The wrapper that hides nothing."""

    @contextlib.contextmanager
    def wrapped(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], policy: Policy
    ) -> Iterator[Wrapped]:
        """Give the command with its limits, under a mark."""
        mark = secrets.token_hex(8)
        yield Wrapped([*limiter(policy), *argv], cwd, {**env, MARK: mark}, mark)


def run(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    max_output_bytes: int = 1_000_000,
    cancel: Cancel | None = None,
) -> Ran:
    """Run one of the user's own programs, not what a model or a plan wrote: nothing is hidden.

    As `Sandbox.run`, with the usual limits.

    Raises:
        ChecksError: the program or the folder is not there.
    """
    return follow(
        argv,
        cwd=cwd,
        env=env,
        timeout_s=timeout_s,
        max_output_bytes=max_output_bytes,
        cancel=cancel,
        policy=Policy(cwd),
        wrapper=Plain(),
    )


def follow(
    argv: Sequence[str],
    *,
    cwd: Path,
    env: Mapping[str, str],
    timeout_s: float,
    max_output_bytes: int,
    cancel: Cancel | None,
    policy: Policy,
    wrapper: Wrapper,
) -> Ran:
    """Run a command without a shell and without input; nothing that it started is left behind.

    `cancel` is looked at every 50 ms.

    Raises:
        ChecksError: the program or the folder is not there, or the wrapper does not start.
    """
    program = _required(argv, cwd, env, policy)
    started = time.monotonic()
    kept = Capped(max_output_bytes)
    with wrapper.wrapped([program, *argv[1:]], cwd, env, policy) as wrapped:
        process = _start(wrapped, program)
        watch = Watch(process.pid, policy.limits, policy.source)
        try:
            end = _follow(process, kept, started + timeout_s, cancel, watch)
        finally:
            end_all(process, watch, wrapped.mark)
            wrapped.await_end()
            _read_late(process, kept)
        output = kept.text()
        ended = end != "end"
        code = process.returncode if ended else wrapped.read_exit(process.returncode, output)
    return Ran(
        exit_code=code,
        output=output,
        seconds=time.monotonic() - started,
        timed_out=end == "timeout",
        cancelled=end == "cancel",
        cut_bytes=kept.cut_bytes,
        broke=(*watch.broke, *wrapped.broken),
    )


def find_program(name: str, *, cwd: Path, env: Mapping[str, str]) -> str | None:
    """Return the absolute path of a program as a child in `cwd` with `env` would find it."""
    if os.sep in name:
        path = cwd.absolute() / name
        return str(path) if path.is_file() and os.access(path, os.X_OK) else None
    folders = env.get("PATH", os.defpath).split(os.pathsep)
    return shutil.which(name, path=os.pathsep.join(str(cwd.absolute() / f) for f in folders))


def _required(argv: Sequence[str], cwd: Path, env: Mapping[str, str], policy: Policy) -> str:
    if argv and (program := _program(argv[0], cwd, env, policy)):
        return program
    raise ChecksError(
        f"{argv[0] if argv else 'an empty command'!r} is not a program: looked at "
        f"PATH={env.get('PATH', os.defpath)} from {cwd}",
        hint="install it, or name another command",
    )


def _program(name: str, cwd: Path, env: Mapping[str, str], policy: Policy) -> str | None:
    """Find a program, also one that only the folder shown as the tree has."""
    found = find_program(name, cwd=cwd, env=env)
    if found or os.sep not in name or not cwd.is_relative_to(policy.tree):
        return found
    over = [policy.overlay.upper] if policy.overlay else []
    for folder in [*over, policy.source]:
        if find_program(name, cwd=folder / cwd.relative_to(policy.tree), env=env):
            return str(cwd / name)
    return None


def limiter(policy: Policy, *, own_processes: bool = False) -> list[str]:
    """Return the words before a command that set limits on it.

    A shell that sets them on itself and becomes the command: preexec_fn is not safe with
    threads, and prlimit after the start comes too late for the first fork. A lower limit that is
    there already stays. `own_processes`: the kernel counts those of the sandbox alone.
    """
    limits = policy.limits
    # `ulimit -f` counts blocks of 512 bytes. If memory runs out, this goes before the user's work.
    words = ["ulimit -c 0", f"ulimit -f {limits.file_bytes // 512}"]
    words.append("echo 800 > /proc/self/oom_score_adj")
    if own_processes:  # -u is bash's, -p dash's
        n_tasks = limits.processes * _TASKS_PER_PROCESS
        words.append(f"ulimit -u {n_tasks} || ulimit -p {n_tasks}")
    return ["/bin/sh", "-c", f'{{ {"; ".join(words)}; }} 2>/dev/null; exec "$@"', "sh"]


def _start(wrapped: Wrapped, program: str) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            wrapped.argv,
            cwd=wrapped.cwd,
            env=wrapped.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=0,
            start_new_session=True,
            pass_fds=wrapped.fds,
        )
    except (OSError, ValueError) as error:
        raise ChecksError(f"cannot start {program} in {wrapped.cwd}: {reason(error)}") from error


def _follow(
    process: subprocess.Popen[bytes],
    kept: Capped,
    deadline: float,
    cancel: Cancel | None,
    watch: Watch,
) -> str:
    """Read output until the leader ends, a limit is passed or somebody cancels; say which."""
    chunks = _chunks(process)
    while True:
        kept.add(next(chunks))
        if has_ended(process):
            return "end"
        if cancel is not None and cancel.is_set():
            return "cancel"
        if time.monotonic() >= deadline:
            return "timeout"
        if watch.is_over():
            return "limit"


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


def _read_late(process: subprocess.Popen[bytes], kept: Capped) -> None:
    """Read what is still in the pipe; whoever left the group may hold it open, so not for long."""
    assert process.stdout is not None
    pipe = process.stdout.fileno()
    deadline = time.monotonic() + _LATE_OUTPUT_S
    with process.stdout, contextlib.suppress(BlockingIOError):
        os.set_blocking(pipe, False)
        while (data := os.read(pipe, 65536)) and time.monotonic() < deadline:
            kept.add(data)
