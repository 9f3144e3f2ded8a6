"""What the sandbox adds to the start of a command: `true`, with it and without.

    python -m tests.benchmarks.sandbox_start [--rounds 100]

The rounds of both take turns, so that a busy machine is busy for both. Prints the medians in
milliseconds; exits with 1 if the sandbox adds more than 50.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path

from qwenagent.sandbox import Policy, Sandbox, scrubbed

MOST_MS = 50.0


def milliseconds(sandbox: Sandbox, tree: Path) -> float:
    """Return how long `true` takes from the call to the end."""
    start = time.perf_counter()
    policy = Policy(tree)
    env = scrubbed(os.environ)
    ran = sandbox.run(["true"], cwd=tree, env=env, policy=policy, timeout_s=60)
    if ran.exit_code:
        raise SystemExit(f"true ended with {ran.exit_code}: {ran.output}")
    return (time.perf_counter() - start) * 1000


def main() -> int:
    """Run the benchmark; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=100)
    options = parser.parse_args()
    sandbox = Sandbox.find(os.environ)
    print(f"{sandbox.level.name.lower()}: {sandbox.why}")
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder).resolve()
        (tree / ".git").mkdir()
        pairs = [
            (milliseconds(Sandbox.off(), tree), milliseconds(sandbox, tree))
            for _ in range(options.rounds)
        ]
    without, within = (statistics.median(times) for times in zip(*pairs, strict=True))
    print(f"without {without:6.1f} ms   with {within:6.1f} ms   more {within - without:6.1f} ms")
    return int(within - without > MOST_MS)


if __name__ == "__main__":
    raise SystemExit(main())
