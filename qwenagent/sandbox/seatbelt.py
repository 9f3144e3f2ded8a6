"""macOS: a policy as a Seatbelt profile for `sandbox-exec`.

Written from Apple's own profiles and not yet tried on a Mac. There are no mounts: nothing can be
shown in another place, so candidates run in place. A private folder is one that is made for the
run; the limits are those of the watch.
"""

from __future__ import annotations

import contextlib
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from qwenagent.sandbox.confine import Wrapped, limiter
from qwenagent.sandbox.policy import Policy
from qwenagent.sandbox.protected import Guard
from qwenagent.sandbox.surroundings import surroundings
from qwenagent.sandbox.view import Place, view

_PROGRAM = "/usr/bin/sandbox-exec"
_PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Seatbelt:
    """Wraps commands with sandbox-exec."""

    program: str = _PROGRAM

    @contextlib.contextmanager
    def wrapped(
        self, argv: Sequence[str], cwd: Path, env: Mapping[str, str], policy: Policy
    ) -> Iterator[Wrapped]:
        """Give the command with a profile and a folder for its home and temporary files."""
        with tempfile.TemporaryDirectory(prefix="qwenagent-home-") as made:
            own = Path(made).resolve()
            places = view(policy, env, argv[0])
            rules = profile([*places, Place("write", own, own)], policy)
            inside = {**surroundings(env, policy, own), "HOME": str(own), "TMPDIR": str(own)}
            words = [self.program, "-p", rules, *limiter(policy), *argv]
            wrapped = Wrapped(words, cwd, inside)
            with Guard(policy.source, policy.protected) as guard:
                yield wrapped
            wrapped.broken += guard.broken


def profile(places: Sequence[Place], policy: Policy) -> str:
    """Return the text of a profile; of the rules that fit a path the last one counts."""
    rules = ["(version 1)", "(allow default)", "(deny file-write*)"]
    rules += ['(allow file-write* (subpath "/dev"))', *_network(policy)]
    rules += [line for place in places for line in _rules(place)]
    # What talks to other programs of the user, or starts them.
    rules += ["(deny appleevent-send)", "(deny lsopen)", "(deny process-info* (target others))"]
    return "\n".join(rules) + "\n"


def _network(policy: Policy) -> list[str]:
    match policy.network:
        case "all":
            return []
        case "loopback":
            local = ('(allow network* (local ip "localhost:*"))',)
            return ["(deny network*)", *local, '(allow network* (remote ip "localhost:*"))']
        case _:
            return ["(deny network*)"]


def _rules(place: Place) -> list[str]:
    where = f"(subpath {_quoted(place.path)})"
    match place.kind:
        case "write" | "overlay":
            return [f"(allow file-read* file-write* {where})"]
        case "read":
            return [f"(allow file-read* {where})"]
        case "freeze":
            return [f"(deny file-write* {where})"]
        case "private" | "hide" | "mask":
            return [f"(deny file-read-data file-write* {where})"]


def _quoted(path: Path) -> str:
    text = str(path).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def find_seatbelt(program: str = _PROGRAM) -> tuple[Seatbelt | None, str]:
    """Return sandbox-exec, or None if a small profile does not work, and a sentence on it."""
    rules = "(version 1)\n(allow default)\n(deny network*)\n"
    try:
        done = subprocess.run(
            [program, "-p", rules, "/usr/bin/true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PROBE_TIMEOUT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return (None, f"sandbox-exec does not work here: {error}")
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        return (None, f"sandbox-exec does not work here: {said}")
    return (Seatbelt(program), f"Seatbelt through {program}")
