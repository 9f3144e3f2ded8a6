"""How long it takes until the help, the prompt, and a first sign of life are on the screen.

    python -m tests.benchmarks.start_up [--rounds 5]

The best of the rounds counts: what is measured is the program and not what else the machine does.
Exits with 1 if one of them takes longer than it should.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.session_stage import Stage, make_stage

LIMITS_S = {"--help": 0.2, "prompt": 0.5, "first sign of life": 0.3}


def help_s(stage: Stage) -> float:
    """Return how long `qwenagent --help` takes."""
    argv = [sys.executable, "-m", "qwenagent", "--help"]
    start = time.perf_counter()
    subprocess.run(argv, env=stage.env, cwd=stage.root, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def session_s(stage: Stage) -> tuple[float, float]:
    """Return how long the prompt takes, and from Enter to a line that says what is going on.

    The model is never there: neither waits for it.
    """
    start = time.perf_counter()
    with stage.terminal([{"load": "never"}, "Nothing."]) as terminal:
        terminal.waits_for("a task, a question")
        prompt = time.perf_counter() - start
        terminal.type("What is this?")
        terminal.waits_for("What is this?")
        time.sleep(1.0)  # a person types longer than that
        entered = time.perf_counter()
        terminal.type("\r")
        terminal.waits_for(" · 0.")
        return prompt, time.perf_counter() - entered


@contextmanager
def staged() -> Iterator[Stage]:
    """Give a small repository and a home of its own."""
    with tempfile.TemporaryDirectory() as folder:
        yield make_stage(Path(folder))


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with staged() as stage:
        helps = [help_s(stage) for _ in range(rounds)]
        sessions = [session_s(stage) for _ in range(rounds)]
    best = {
        "--help": min(helps),
        "prompt": min(prompt for prompt, _ in sessions),
        "first sign of life": min(sign for _, sign in sessions),
    }
    for name, seconds in best.items():
        print(f"{name:20} {seconds * 1000:6.0f} ms, at most {LIMITS_S[name] * 1000:.0f} ms")
    print(json.dumps({name: round(seconds, 3) for name, seconds in best.items()}))
    sys.exit(any(best[name] > LIMITS_S[name] for name in best))


if __name__ == "__main__":
    main()
