"""The sandbox of this machine: found once by trying, then used for every command.

Knows how to confine, not what: that is the policy's.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox.bubblewrap import Bubblewrap, find_bubblewrap
from qwenagent.sandbox.confine import Plain, Ran, Wrapper, follow
from qwenagent.sandbox.policy import Level, Policy
from qwenagent.sandbox.seatbelt import find_seatbelt


@dataclass(frozen=True, slots=True)
class Sandbox:
    """Runs commands under policies, as well as this machine can."""

    level: Level
    why: str
    """A sentence: what confines commands here, or what is missing and how to get it."""
    wrapper: Wrapper

    @classmethod
    def find(cls, environ: Mapping[str, str]) -> Sandbox:
        """Return the best sandbox that works here; each is tried, once a process.

        Takes about 20 ms, at most some seconds. Never raises: the worst is `Level.NONE`.
        """
        return _find(environ.get("PATH", ""))

    @classmethod
    def off(cls, why: str = "switched off") -> Sandbox:
        """Return the one that hides nothing; limits hold as far as watching goes."""
        return cls(Level.NONE, why, Plain())

    @property
    def races(self) -> bool:
        """True if several candidates can be run at once, each at the repository's own path."""
        return self.level is Level.NAMESPACES

    @property
    def overlays(self) -> bool:
        """True if a candidate costs nothing: its changes lie over the repository's own files."""
        return isinstance(self.wrapper, Bubblewrap) and self.wrapper.overlays

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        policy: Policy,
        timeout_s: float,
        max_output_bytes: int = 1_000_000,
        cancel: Cancel | None = None,
    ) -> Ran:
        """Run a command under a policy, without a shell and without input.

        `cwd` is a path as the command sees it, in the tree or in a shown place. `env` is all that
        the child sees, but for what a private home needs; pass it through `scrubbed` first. Two
        runs at once need trees of their own (`Candidate`).

        Raises:
            ChecksError: the program or the folder is not there, or the sandbox does not start.
        """
        return follow(
            argv,
            cwd=cwd,
            env=env,
            timeout_s=timeout_s,
            max_output_bytes=max_output_bytes,
            cancel=cancel,
            policy=policy,
            wrapper=self.wrapper,
        )


@cache
def _find(path: str) -> Sandbox:
    if sys.platform == "darwin":
        seatbelt, why = find_seatbelt()
        return Sandbox(Level.SEATBELT, why, seatbelt) if seatbelt else Sandbox.off(why)
    bubblewrap, why = find_bubblewrap(path)
    return Sandbox(Level.NAMESPACES, why, bubblewrap) if bubblewrap else Sandbox.off(why)
