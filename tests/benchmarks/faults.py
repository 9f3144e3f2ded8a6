"""Runs in which one write goes wrong, and what is left of them; see `tests/faults_stage.py`.

`python -m tests.benchmarks.faults N [SEED]` kills N runs: nine of ten at a write drawn by chance,
git's own too, with all that they have started, the tenth after a time drawn by chance, alone.
`python -m tests.benchmarks.faults --full N` has the disk full, or the permission missing, at N
writes spread over all of them, once or from there on. Then the program starts again, and the tree
has to be a checkpoint plus what the user did, git whole, and the plan go on to its end.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from qwenagent.errors import QwenAgentError
from tests.faults_shim import Fault, build
from tests.faults_stage import Runs, ended_well, goes_on, wrong


def main(args: list[str]) -> int:
    """Print a line for each run; return 1 if one of them lost something."""
    is_full = args[:1] == ["--full"]
    numbers = [int(arg) for arg in args[is_full:]]
    n, seed = numbers[0] if numbers else 5, numbers[1] if len(numbers) > 1 else 0
    n_good = 0
    with tempfile.TemporaryDirectory() as folder:
        library = build(Path(folder))
        if library is None:
            print("there is no C compiler here", file=sys.stderr)
            return 4
        runs = Runs(Path(folder), library)
        found = full(runs, n) if is_full else killed(runs, n, seed)
        for told, bad in found:
            n_good += not bad
            print(f"{told}: {bad or 'whole'}", flush=True)
        runs.close()
    print(f"{n_good} of {n} end in a checkpoint plus the user's own changes")
    return 0 if n_good == n else 1


def killed(runs: Runs, n: int, seed: int) -> Iterator[tuple[str, str]]:
    """Kill runs; yield where, and what is wrong then."""
    for number in range(seed, seed + n):
        draw = random.Random(number)
        root = runs.stage(f"killed-{number}")
        if number % 10 == 9:
            after_s = draw.uniform(0.001, runs.seconds)
            runs.run(root, after_s=after_s)
            told = f"{number}: killed after {after_s:.2f} s"
        else:
            at = draw.randint(1, runs.count("killed"))
            told = f"{number}: killed at write {at}, {_short(runs.run(root, 'killed', at).what)}"
        yield told, _looked_at(runs, root)


def full(runs: Runs, n: int) -> Iterator[tuple[str, str]]:
    """Let writes fail; yield which, and what is wrong then."""
    ways: tuple[tuple[Fault, bool], ...] = (
        ("full", True),
        ("denied", True),
        ("full", False),
        ("denied", False),
    )
    for number in range(n):
        fault, lasting = ways[number % len(ways)]
        at = 1 + number * runs.count(fault) // n
        root = runs.stage(f"full-{number}")
        ended = runs.run(root, fault, at, lasting=lasting)
        how = "from there on" if lasting else "once"
        said = ended.err.split("\n")[0]
        told = f"{fault} at write {at} {how}, {_short(ended.what)}: {ended.status} {said}"
        yield told, (ended_well(ended) if ended.what else "") or _looked_at(runs, root)


def _looked_at(runs: Runs, root: Path) -> str:
    try:
        return wrong(root) or goes_on(runs, root)
    except QwenAgentError as error:
        return f"it does not start again: {error}"


def _short(what: str) -> str:
    call, _, path = what.partition(" ")
    return f"{call} {path.partition('a repo/')[2] or path[-40:]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
