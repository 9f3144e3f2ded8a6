"""The sandbox as the commands of one repository get it: all of them under one policy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent.protocol.messages import Cancel
from qwenagent.sandbox.confine import Ran
from qwenagent.sandbox.explain import explain
from qwenagent.sandbox.policy import Level, Policy
from qwenagent.sandbox.sandbox import Sandbox


@dataclass(frozen=True, slots=True)
class Box:
    """Where whatever a model, a plan or the repository brought runs."""

    sandbox: Sandbox
    policy: Policy

    @classmethod
    def off(cls, tree: Path, why: str = "switched off") -> Box:
        """Return one that hides nothing; the limits hold as far as watching goes."""
        return cls(Sandbox.off(why), Policy(tree))

    @property
    def told(self) -> str:
        """What holds here, for people."""
        if self.sandbox.level is Level.NONE:
            return f"none ({self.sandbox.why}): what is run has your rights"
        network = {"none": "no network", "loopback": "this machine's ports only", "all": "network"}
        return f"{self.sandbox.why}; {network[self.policy.network]}"

    def run(
        self,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str],
        timeout_s: float,
        max_output_bytes: int = 1_000_000,
        cancel: Cancel | None = None,
        writable: Sequence[Path] = (),
    ) -> Ran:
        """Run a command; `writable` are folders that it may write to besides the tree.

        Raises:
            ChecksError: the program or the folder is not there, or the sandbox does not start.
        """
        policy = replace(self.policy, writable=(*self.policy.writable, *writable))
        return self.sandbox.run(
            argv,
            cwd=cwd,
            env=env,
            policy=policy,
            timeout_s=timeout_s,
            max_output_bytes=max_output_bytes,
            cancel=cancel,
        )

    def withheld(self, ran: Ran) -> tuple[str, ...]:
        """Return sentences on what ended the command, and what it may have missed if it failed."""
        hid = self.sandbox.level is not Level.NONE
        return explain(ran, self.policy, output=hid and ran.exit_code != 0)
