"""Kills scripted runs at random points and looks at what is left: `python -m ... faults N [SEED]`.

Each run has a real repository, real git, real tests and a scripted engine. Its whole process group
gets SIGKILL after a random time; meanwhile the user writes two files of their own. At the next
start the tree has to be a checkpoint plus what the user did, and git has to be whole.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from qwenagent.cli.wiring import open_repository
from qwenagent.workspace import Repository
from tests import killed_run
from tests.loop_stage import make_repository

RUN = "import sys; from tests.killed_run import run_whole; run_whole(sys.argv[1])"
CHECKPOINTS = (
    {"calc.py": killed_run.CALC, "halve.py": killed_run.HALVE},
    {"calc.py": killed_run.CALC.replace("a - b", "a + b"), "halve.py": killed_run.HALVE},
    {
        "calc.py": killed_run.CALC.replace("a - b", "a + b"),
        "halve.py": killed_run.HALVE.replace("* 2", "/ 2"),
    },
)
"""The files that steps write: at the start, after the first two steps, after the last."""
MINE = {"mine.txt": "mine\n", "notes.md": "mine\n"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One run that was killed."""

    seed: int
    after_s: float
    commits: int
    wrong: str
    """What is not as it has to be, empty if all is."""


def main() -> int:
    """Print a line for each run; return 1 if one of them lost something."""
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    whole_s = duration()
    faults = [one(seed, whole_s) for seed in range(first, first + n)]
    for fault in faults:
        told = f"killed after {fault.after_s:.2f} s with {fault.commits} commit(s)"
        print(f"{fault.seed}: {told}: {fault.wrong or 'whole'}")
    good = sum(not fault.wrong for fault in faults)
    print(f"{good} of {n} end in a checkpoint plus the user's own changes")
    return 0 if good == n else 1


def duration() -> float:
    """Return how long a run takes that is not killed."""
    with tempfile.TemporaryDirectory() as folder:
        root = stage(Path(folder))
        start = time.monotonic()
        with begin(root) as child:
            child.wait()
        return time.monotonic() - start


def one(seed: int, whole_s: float) -> Fault:
    """Kill one run, start again, and look."""
    after_s = random.Random(seed).uniform(0.0, whole_s)
    with tempfile.TemporaryDirectory() as folder:
        root = stage(Path(folder))
        with begin(root) as child:
            time.sleep(after_s / 2)
            for name, text in MINE.items():
                (root / name).write_text(text)
            time.sleep(after_s / 2)
            os.killpg(child.pid, signal.SIGKILL)
        return Fault(seed, after_s, n_commits(root), wrong(root))


def stage(folder: Path) -> Path:
    """Return a repository with a plan."""
    root = make_repository(folder / "repo", killed_run.FILES)
    (root / "plan.md").write_text(killed_run.PLAN)
    return root


def begin(root: Path) -> subprocess.Popen[bytes]:
    """Start the run in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", RUN, str(root)],
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def wrong(root: Path) -> str:
    """Start again and return what is not as it has to be."""
    before = os.getcwd()  # noqa: PTH109 - to be gone back to
    os.chdir(root)
    try:
        for lock in root.glob(".git/**/*.lock"):  # git's own, which it leaves when it is killed
            lock.unlink()
        with open_repository("faults") as repository:
            return _difference(repository)
    finally:
        os.chdir(before)


def _difference(repository: Repository) -> str:
    root = repository.root
    for name, text in MINE.items():
        if (root / name).read_text() != text:
            return f"{name} is not as the user wrote it"
    now = {name: (root / name).read_text() for name in CHECKPOINTS[0]}
    if now not in CHECKPOINTS:
        return f"between two states: {now}"
    changed = set(repository.changes()) - {"notes.md", "README.md"}  # README.md: told, by a command
    if changed:
        return f"not as committed: {sorted(changed)}"
    fsck = subprocess.run(
        ["git", "fsck", "--no-progress", "--no-dangling"],
        cwd=root,
        capture_output=True,
        check=False,
    )
    return fsck.stderr.decode() if fsck.returncode else ""


def n_commits(root: Path) -> int:
    """Return how many steps were committed."""
    done = subprocess.run(
        ["git", "rev-list", "--count", "--branches", "--not", "main"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return int(done.stdout or 0)


if __name__ == "__main__":
    sys.exit(main())
