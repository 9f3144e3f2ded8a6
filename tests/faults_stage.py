"""Scripted runs of the whole program in which one write goes wrong, and a look at what is left.

Started as a program it forks for each run, since importing takes longer than a run. Everything is
real, git too; only the model is a script.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path
from typing import Any

from qwenagent.cli import wiring
from qwenagent.cli.boundary import guarded
from qwenagent.engine import Engine, ScriptedEngine
from qwenagent.registry import find_card
from qwenagent.workspace import Repository
from tests.conftest import GIT_ENVIRONMENT, run_git
from tests.faults_shim import SIZE, STATE, Fault, Shared
from tests.loop_stage import body, make_repository

CALC = "def add(a, b):\n    return a - b\n"
HALVE = "def halve(n):\n    return n * 2\n"
FIXED = CALC.replace("a - b", "a + b")
HALVED = HALVE.replace("* 2", "/ 2")
NOTES, MINE = "notes\n", "mine\n"
FILES = {
    "calc.py": CALC,
    "deep/er/halve.py": HALVE,
    "notes.md": NOTES,
    ".gitignore": "__pycache__/\n",
}
PLAN = """# Two

- [ ] Fix `add` in `calc.py`.
      Test: `grep -q "a + b" calc.py`
- [ ] Fix `halve` in `deep/er/halve.py`.
      Test: `grep -q "n / 2" deep/er/halve.py`
"""
CHECKPOINTS = ((CALC, HALVE), (FIXED, HALVE), (FIXED, HALVED))
"""What is in the two files at the start and after each step."""
RUN = ("run", "plan.md", "--yes")
OUTPUT_LIMIT = 100_000


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended."""

    status: int
    """Its exit code; a signal's number with a minus."""
    count: int
    """How much it had written."""
    what: str
    """The call that went wrong; empty if none did."""
    out: str
    err: str


class Runs:
    """Starts runs, in a process that lives as long as this is entered."""

    def __init__(self, folder: Path, library: Path) -> None:
        """`folder` gets what all runs share, and a place for each."""
        self._first = make_repository(folder / "first" / "repo", FILES)
        (self._first / "plan.md").write_text(PLAN)
        self._folder = folder
        foreign = ("GIT_", "QWENAGENT_", "LD_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        env |= {**GIT_ENVIRONMENT, "QWENAGENT_SANDBOX_OFF": "true"}
        env |= {"QWENAGENT_LOOP_CANDIDATES": "1", "LD_PRELOAD": str(library)}
        env |= {STATE: str(folder / "shared"), "PYTHONPATH": str(Path(__file__).parent.parent)}
        (folder / "shared").write_bytes(bytes(SIZE))
        command, pipe = [sys.executable, "-m", "tests.faults_stage", str(folder)], subprocess.PIPE
        self._server = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=env)
        self.seconds = float(self._line())
        """That a run takes in which nothing goes wrong, killed by nobody."""
        self._counts: dict[Fault, int] = {}

    def stage(self, name: str) -> Path:
        """Return a fresh repository with a plan, in a folder of its own."""
        root = self._folder / name / "a repo"
        shutil.copytree(self._first, root)
        return root

    def count(self, fault: Fault) -> int:
        """Return how often a run, to its end, does what can have this fault."""
        if fault not in self._counts:
            ended = self.run(self.stage(f"count-{fault}"), fault, 1 << 40)
            self._counts[fault] = ended.count
        return self._counts[fault]

    def copies(self, root: Path, every: int) -> list[Path]:
        """Run the plan; return repositories as a kill at every so many writes would leave them."""
        ended = self.run(root, "copied", every)
        top = root.parent
        found = top.parent.glob(f"{top.name}-at-*")
        places = sorted(found, key=lambda place: int(place.name.rpartition("-")[2]))
        assert ended.status == 0, ended
        # Not exactly: two that write at the same time ask for one copy.
        assert len(places) > 0.9 * (ended.count // every)
        return [place / root.name for place in places]

    def run(
        self,
        root: Path,
        fault: Fault = "none",
        at: int = 0,
        *,
        lasting: bool = True,
        after_s: float = 0.0,
    ) -> Ended:
        """Run the plan of a repository; the `at`-th write has the fault.

        After `after_s`, if that is given, the program alone is killed: a git that it has started
        goes on.
        """
        assert self._server.stdin
        task = {"root": str(root), "fault": fault, "at": at, "lasting": lasting, "after_s": after_s}
        self._server.stdin.write(json.dumps(task) + "\n")
        self._server.stdin.flush()
        return Ended(**json.loads(self._line()))

    def close(self) -> None:
        """End the process."""
        with self._server as server:
            assert server.stdin
            server.stdin.close()

    def _line(self) -> str:
        assert self._server.stdout
        line = self._server.stdout.readline()
        if not line:
            raise OSError(f"the process that runs ended with {self._server.wait()}")
        return line


# -- in the process that runs -----------------------------------------------------------------


def serve(folder: Path) -> None:
    """Do as each line says, and answer with how it ended."""
    # What outlives a killed run, git say, is waited for here.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    shared = Shared.of(folder / "shared")
    os.environ[STATE] = str(folder / "shared")
    first = folder / "warm" / "repo"
    shutil.copytree(folder / "first" / "repo", first)
    begun = time.monotonic()
    ended = _forked(shared, folder, {"root": str(first), "fault": "none", "at": 0})
    assert ended.status == 0, ended
    print(time.monotonic() - begun, flush=True)
    for line in sys.stdin:
        ended = _forked(shared, folder, json.loads(line))
        told = {name: getattr(ended, name) for name in Ended.__slots__}
        print(json.dumps(told), flush=True)


def _forked(shared: Shared, folder: Path, task: dict[str, Any]) -> Ended:
    out, err = folder / "out", folder / "err"
    child = os.fork()
    if child == 0:
        os.setsid()
        for number, place in ((1, out), (2, err)):
            os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        status = _carry_out(shared, task)
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(status)
    status = _copying(shared, child, Path(task["root"]).parent)
    with suppress(ChildProcessError):
        while True:
            os.wait()
    said = [place.read_text(errors="replace")[:OUTPUT_LIMIT] for place in (out, err)]
    return Ended(os.waitstatus_to_exitcode(status), shared.count, shared.what, *said)


def _copying(shared: Shared, child: int, top: Path) -> int:
    """Wait for a process, and copy what is on the disk whenever that is asked for."""
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status
        if number := shared.asked:
            shutil.copytree(top, top.with_name(f"{top.name}-at-{number}"), symlinks=True)
            shared.copied()
        time.sleep(0.0005)


def _carry_out(shared: Shared, task: dict[str, Any]) -> int:
    root = Path(task["root"])
    os.environ["QWENAGENT_HOME"] = str(root.parent / "home")
    os.chdir(root)

    def answer(*_: object) -> str:
        """Fix what is not fixed; the first time the user writes two files meanwhile."""
        shared.pause(paused=True)
        if not (root / "mine.txt").exists():
            for name in ("mine.txt", "notes.md"):
                (root / name).write_text(MINE)
        shared.pause(paused=False)
        return body(HALVED if (root / "calc.py").read_text() == FIXED else FIXED)

    engine: Engine = ScriptedEngine(repeat(answer))
    wiring.model_of = lambda settings: (find_card("0.5b"), lambda: engine)
    lasting = task.get("lasting", True)
    shared.arm(task["fault"], task["at"], root.parent, os.getpid(), lasting=lasting)
    signal.setitimer(signal.ITIMER_REAL, task.get("after_s", 0.0))
    try:
        return guarded(RUN)
    finally:
        shared.pause(paused=True)


# -- what is left -----------------------------------------------------------------------------


@contextmanager
def standing_at(folder: Path) -> Iterator[None]:
    """Stand in a folder for a while, with a state folder beside it."""
    before = os.getcwd()  # noqa: PTH109 - to be gone back to
    home = os.environ.get("QWENAGENT_HOME")
    os.chdir(folder)
    os.environ["QWENAGENT_HOME"] = str(folder.parent / "home")
    try:
        yield
    finally:
        os.chdir(before)
        del os.environ["QWENAGENT_HOME"]
        if home is not None:
            os.environ["QWENAGENT_HOME"] = home


def remove_locks(root: Path) -> None:
    """Remove git's own, as its message says, which it leaves when it is killed."""
    for lock in (root / ".git").rglob("*.lock"):
        lock.unlink()


def wrong(root: Path) -> str:
    """Start again, as the next command does; return what is not as it has to be, or nothing."""
    remove_locks(root)
    with standing_at(root), wiring.open_repository("faults") as repository:
        return _difference(repository) or _of_git(root) or _left_over(root)


def _difference(repository: Repository) -> str:
    root = repository.root
    now = ((root / "calc.py").read_text(), (root / "deep/er/halve.py").read_text())
    if now not in CHECKPOINTS:
        return f"between two states: {now}"
    has_acted = (root / "mine.txt").exists()
    theirs = {"mine.txt": MINE, "notes.md": MINE} if has_acted else {"notes.md": NOTES}
    if lost := [name for name, text in theirs.items() if (root / name).read_text() != text]:
        return f"not as the user wrote it: {lost}"
    status = run_git(root, "status", "--porcelain").splitlines()
    wanted = [" M notes.md", "?? mine.txt"] if has_acted else []
    # The state folder may have been made, and its .gitignore not yet: the next run has that.
    if [line for line in status if line != "?? .qwenagent/"] != [*wanted, "?? plan.md"]:
        return f"not as committed: {status}"
    subjects = run_git(root, "log", "--format=%s", "HEAD").splitlines()
    if len(subjects) != CHECKPOINTS.index(now) + 1:
        return f"these commits are not what the files are: {subjects}"
    return ""


def _of_git(root: Path) -> str:
    done = subprocess.run(
        ["git", "fsck", "--no-progress", "--no-dangling"],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or done.stderr:
        return f"git fsck: {done.stderr}"
    refs = run_git(root, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
    first = run_git(root, "rev-list", "--max-parents=0", "HEAD").strip()
    names = [ref.split()[0] for ref in refs]
    allowed = ({"refs/heads/main"}, {"refs/heads/main", "refs/heads/qwenagent-plan"})
    if f"refs/heads/main {first}" not in refs or set(names) not in allowed:
        return f"other branches, refs or a stash: {refs}"
    if (root / ".git/logs/refs/heads/main").read_text().count("\n") != 1:
        return "something was done on main"
    said = (root / ".git/logs/HEAD").read_text().splitlines()[1:]
    announced = ("checkout: moving from main to qwenagent-plan", "commit: Fix ")
    if strange := [line for line in said if not line.split("\t")[1].startswith(announced)]:
        return f"in the reflog: {strange}"
    return ""


def _left_over(root: Path) -> str:
    """Return what a run leaves lying about that nobody would ever remove."""
    unfinished = list((root / ".git/qwenagent/unfinished").glob("*"))
    half = [p for p in root.rglob(".qwenagent-*") if ".git" not in p.relative_to(root).parts]
    half += [p for p in (root / ".git/qwenagent").rglob("*.new")]
    return f"left over: {[*unfinished, *half]}" if unfinished or half else ""


def goes_on(runs: Runs, root: Path) -> str:
    """Run the plan again, to its end; return what is wrong then, or nothing."""
    (root / "notes.md").write_text(NOTES)  # the tree has to be clean for that
    ended = runs.run(root)
    if ended.status != 0:
        return f"the next run ends with {ended.status}: {ended.out[-500:]} {ended.err}"
    now = ((root / "calc.py").read_text(), (root / "deep/er/halve.py").read_text())
    status = set(run_git(root, "status", "--porcelain").splitlines())
    if now != CHECKPOINTS[-1] or status - {" M notes.md", "?? mine.txt", "?? plan.md"}:
        return f"the next run leaves {now} {status}"
    subjects = run_git(root, "log", "--reverse", "--format=%s", "main..HEAD").splitlines()
    wanted = ["Fix add in calc.py.", "Fix halve in deep/er/halve.py."]
    return "" if subjects == wanted else f"the next run leaves the commits {subjects}"


def ended_well(ended: Ended) -> str:
    """Return what is wrong with how a fault was told: at most one error, and no traceback."""
    told = sum(line.startswith("error: ") for line in ended.err.splitlines())
    if ended.status < 0 or "Traceback" in ended.err or "bug in qwenagent" in ended.err:
        return f"ended with {ended.status}: {ended.err}"
    if ended.status == 4:
        return "" if told == 1 else f"{told} messages: {ended.err}"
    if ended.status == 1 and "cannot be written: Permission denied" in ended.out:
        return "" if told == 0 else f"{told} messages, and exit code 1: {ended.err}"
    # What is only kept for later, a point say, ends nothing: then that is told.
    if ended.status == 0 and ended.what:
        return "" if told == 0 else f"{told} messages, and exit code 0: {ended.err}"
    return f"exit code {ended.status}: {ended.out[-800:]} {ended.err}"


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
