"""A run over tasks goes on where it stopped: after a stop, after Ctrl-C, after kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from qwenagent.evals import (
    Arm,
    Chosen,
    Grader,
    Row,
    Task,
    Trial,
    append_row,
    choose,
    evaluate,
    one_at_a_time,
    read_rows,
)
from qwenagent.evals.arms import Attempt, Effort
from qwenagent.loop import Stop
from qwenagent.sandbox import Box
from tests.rows_stage import MACHINE, SETUP, row, small_task

SOLVED = "def number():\n    return 1\n"


@dataclass
class Solver:
    """Solves tasks that say so; stops the run in one of them."""

    stop: Stop
    stops_at: str = ""
    tried: list[str] = field(default_factory=list)
    name: str = "agent"

    def attempt(self, attempt: Attempt) -> Effort:
        self.tried.append(attempt.task.id)
        if attempt.task.id == self.stops_at:
            self.stop.set("interrupted")
        if "return 1" in attempt.prompt:
            (attempt.repository / "one.py").write_text(SOLVED, encoding="utf-8")
        return Effort(calls=1)


class Notes:
    """A watcher that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begins(self, tasks: Sequence[Task], done: Sequence[Row]) -> None:
        self.told.append(f"begins {len(tasks)} {[one.task for one in done]}")

    def tries(self, task: Task) -> None:
        self.told.append(f"tries {task.id}")

    def has(self, row: Row) -> None:
        self.told.append(f"has {row.task} {row.passed}")


def trial(work: Path, arm: Arm, stop: Stop, **changes: Any) -> Trial:
    setup = replace(SETUP, **changes)
    grader = Grader(Box.off, os.environ, 60.0, stop)
    return Trial(arm, grader, setup, MACHINE, work / "a work folder", stop)


def run(
    tasks: Sequence[Task], out: Path, *, stops_at: str = "", **changes: Any
) -> tuple[list[Row], Solver, Notes]:
    stop = Stop()
    solver, notes = Solver(stop, stops_at), Notes()
    rows = evaluate(tasks, trial(out.parent, solver, stop, **changes), out, notes)
    return rows, solver, notes


TASKS = [small_task("a"), small_task("b", "Do nothing."), small_task("c")]


def test_a_run_and_the_same_run_again(tmp_path):
    out = tmp_path / "r.jsonl"
    rows, _, notes = run(TASKS, out)
    assert [(one.task, one.passed) for one in rows] == [("a", True), ("b", False), ("c", True)]
    assert read_rows(out) == rows
    assert notes.told == [
        "begins 3 []", "tries a", "has a True", "tries b", "has b False", "tries c", "has c True",
    ]  # fmt: skip
    again, solver, notes = run(TASKS, out)
    assert (again, solver.tried, notes.told) == (rows, [], ["begins 3 ['a', 'b', 'c']"])
    assert read_rows(out) == rows


def test_rows_come_in_the_order_of_the_tasks(tmp_path):
    out = tmp_path / "r.jsonl"
    run(TASKS[2:], out)
    rows, solver, _ = run(TASKS, out)
    assert [one.task for one in rows] == ["a", "b", "c"]
    assert [one.task for one in read_rows(out)] == ["c", "a", "b"]
    assert solver.tried == ["a", "b"]


@pytest.mark.parametrize(
    "changes", [{"seed": 2}, {"settings": {"loop.repairs": 0}}, {"code": "c0d3"}], ids=str
)
def test_rows_of_another_setup_do_not_count(tmp_path, changes):
    out = tmp_path / "r.jsonl"
    [old], _, _ = run(TASKS[:1], out)
    rows, solver, _ = run(TASKS[:1], out, **changes)
    assert solver.tried == ["a"]
    assert read_rows(out) == [old, *rows]


def test_rows_of_another_commit_count(tmp_path):
    out = tmp_path / "r.jsonl"
    run(TASKS[:1], out)
    _, solver, _ = run(TASKS[:1], out, commit="def456+")
    assert solver.tried == []


def test_a_task_that_has_changed_is_tried_again(tmp_path):
    out = tmp_path / "r.jsonl"
    run(TASKS[:2], out)
    changed = small_task("b", "Let it return 1.")
    rows, solver, _ = run([TASKS[0], changed], out)
    assert solver.tried == ["b"]
    assert [(one.task, one.passed) for one in rows] == [("a", True), ("b", True)]
    assert len(read_rows(out)) == 3


def test_a_stop_in_the_middle_loses_and_repeats_nothing(tmp_path):
    out = tmp_path / "r.jsonl"
    rows, solver, notes = run(TASKS, out, stops_at="b")
    assert [one.task for one in rows] == ["a"]
    assert solver.tried == ["a", "b"]
    assert notes.told[-1] == "tries b"
    assert read_rows(out) == rows
    whole, solver, _ = run(TASKS, out)
    assert solver.tried == ["b", "c"]
    assert read_rows(out) == whole
    assert whole[0] == rows[0]


def test_a_run_that_is_stopped_before_it_begins_tries_nothing(tmp_path):
    out = tmp_path / "r.jsonl"
    append_row(out, row("a", digest=TASKS[0].digest))
    stop = Stop()
    stop.set("interrupted")
    solver = Solver(stop)
    rows = evaluate(TASKS, trial(tmp_path, solver, stop), out, Notes())
    assert [one.task for one in rows] == ["a"]
    assert solver.tried == []


def test_a_torn_row_is_tried_again(tmp_path):
    out = tmp_path / "r.jsonl"
    rows, _, _ = run(TASKS, out)
    out.write_bytes(out.read_bytes()[:-20])
    again, solver, _ = run(TASKS, out)
    assert solver.tried == ["c"]
    assert [stable(one) for one in again] == [stable(one) for one in rows]
    assert read_rows(out) == again


def test_a_file_name_in_no_encoding_is_no_end(tmp_path):
    @dataclass
    class Odd:
        name: str = "agent"

        def attempt(self, attempt: Attempt) -> Effort:
            try:
                path = os.path.join(os.fsencode(attempt.repository), b"caf\xe9.txt")  # noqa: PTH118
                os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
            except OSError:
                pytest.skip("the file system takes no such name")
            return Effort()

    out = tmp_path / "r.jsonl"
    rows = evaluate(TASKS[:1], trial(tmp_path, Odd(), Stop()), out, Notes())
    assert rows[0].changed == ["caf\\xe9.txt"]
    assert read_rows(out) == rows


def test_tasks_without_their_tool_are_left_out():
    missing = small_task("c", checks=(replace(TASKS[0].checks[0], argv=("no-such-tool", "x")),))
    chosen = choose([*TASKS[:2], missing], dict(os.environ))
    assert chosen == Chosen((TASKS[0], TASKS[1]), {"edit/c": "no-such-tool"})


# -- one at a time ----------------------------------------------------------------------------


def test_nobody_waits_for_nobody(tmp_path):
    lock, waited = tmp_path / "new folder" / "lock", []
    for _ in range(2):
        with one_at_a_time(lock, lambda: waited.append("waiting")):
            pass
    assert waited == []


HOLD = """
import sys
from pathlib import Path
from qwenagent.evals import one_at_a_time
with one_at_a_time(Path(sys.argv[1]), lambda: None):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("ends", ["kill", "leave"])
def test_the_second_waits_for_the_first_and_says_so_once(tmp_path, ends):
    lock = tmp_path / "lock"
    words = [sys.executable, "-c", HOLD, str(lock)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout
        assert first.stdout.readline() == b"held\n"
        told = []

        def waiting() -> None:
            told.append(first.poll())
            if ends == "kill":
                first.kill()
            else:
                assert first.stdin
                first.stdin.close()

        with one_at_a_time(lock, waiting):
            assert first.wait(5) == (-signal.SIGKILL if ends == "kill" else 0)
    assert told == [None]


# -- real processes ---------------------------------------------------------------------------

# Half of the answer is there for some tenths of a second: a try that is killed there and taken
# for a whole one would change the row.
COMMAND = (
    "echo 'def number():' > one.py; touch {dir}/../begun; sleep 0.15; "
    "if grep -q solve {prompt_file}; then echo '    return 1' >> one.py; "
    "else echo '    return 2' >> one.py; echo > notes.txt; fi; "
    'echo \'{"completion_tokens": 7, "llm_calls": 1}\' > {metrics_file}'
)
IDS = [f"task {number}" for number in range(1, 9)]


def write_tasks(path: Path) -> None:
    def line(number: int, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "prompt": f"{'solve' if number % 3 else 'leave'} {name} ü",
            "base": {"one.py": "def number():\n    return 0\n"},
            "tests": {
                "test_one.py": "from one import number\n\n\ndef test_number():\n"
                "    assert number() == 1\n"
            },
            "checks": [["tests", ["test_one.py"]]],
            "editable": ["one.py"],
            "visible": True,
            "seen_tests": ["test_one.py"],
        }

    lines = [json.dumps(line(number, name)) for number, name in enumerate(IDS)]
    path.write_text("\n".join(lines), encoding="utf-8")


class Evals:
    """Starts evals of the same tasks, each with a home below `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "small tasks.jsonl"
        write_tasks(self.data)

    @contextmanager
    def started(self, out: Path, home: str, *flags: str) -> Iterator[subprocess.Popen[str]]:
        words = ["eval", "fix", "--data", str(self.data), "--command", COMMAND, "--out", str(out)]
        with subprocess.Popen(
            [sys.executable, "-P", "-m", "qwenagent", *words, *flags],
            cwd=self.folder,
            env={**os.environ, "QWENAGENT_HOME": str(self.folder / home)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()  # nothing if it has ended

    def begun(self, home: str, name: str) -> bool:
        return (self.folder / home / "evals" / f"fix-{name}" / "begun").exists()

    def graded(self, home: str, name: str) -> bool:
        return (self.folder / home / "evals" / f"fix-{name}" / "graded" / "one.py").exists()


@pytest.fixture
def evals(tmp_path: Path) -> Evals:
    return Evals(tmp_path)


def until(true: Callable[[], object], limit_s: float = 60.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.01)


def n_rows(out: Path) -> int:
    return out.read_bytes().count(b"\n") if out.exists() else 0


def stable(one: Row) -> dict[str, Any]:
    """Return what is the same when a row is got again."""
    said = asdict(one)
    for name in ("seconds", "test_seconds", "started", "transcript"):
        said.pop(name)
    return said


def left_over(folder: Path) -> list[str]:
    """Return the command lines of processes that work for or in a folder."""
    found = []
    for process in psutil.process_iter():
        try:
            line = " ".join(process.cmdline())
            if str(folder) in line or str(folder) in process.cwd():
                found.append(line)
        except (psutil.Error, OSError):
            continue
    return found


def test_killed_three_times_it_ends_with_the_rows_of_a_run_that_was_not(evals):
    whole, out = evals.folder / "whole.jsonl", evals.folder / "results.jsonl"
    moments: list[Callable[[], object]] = [
        lambda: n_rows(out) >= 1 and evals.begun("home", IDS[1]),  # in the middle of a try
        lambda: n_rows(out) >= 3 and evals.graded("home", IDS[3]),  # while its tests run
        lambda: n_rows(out) >= 5,  # between two tasks
    ]
    with evals.started(whole, "another home") as undisturbed:
        for moment in moments:
            with evals.started(out, "home") as killed:
                until(lambda: moment() or killed.poll() is not None)  # noqa: B023
                killed.kill()
                assert killed.wait(10) == -signal.SIGKILL
        before = read_rows(out)
        assert 5 <= len(before) < len(IDS)
        with evals.started(out, "home") as last:
            said, _ = last.communicate(timeout=120)
        assert undisturbed.wait(120) == 0
    assert last.returncode == 0
    assert said.endswith(f"results: {out}\n")
    rows = read_rows(out)
    assert rows[: len(before)] == before
    assert [one.task for one in rows] == IDS
    assert [one.passed for one in rows] == [bool(n % 3) for n in range(len(IDS))]
    assert [stable(one) for one in rows] == [stable(one) for one in read_rows(whole)]
    until(lambda: not left_over(evals.folder), 10)


def test_ctrl_c_keeps_what_is_there_and_says_how_many_are_left(evals):
    out = evals.folder / "results.jsonl"
    with evals.started(out, "home") as process:
        until(lambda: n_rows(out) >= 1 and evals.begun("home", IDS[1]))
        process.send_signal(signal.SIGINT)
        said, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    kept = read_rows(out)
    assert 1 <= len(kept) < len(IDS)
    left = len(IDS) - len(kept)
    assert f"{left} tasks are left: the same command goes on with them\n" in said
    assert left_over(evals.folder) == []


def test_two_at_once_go_one_after_the_other(evals):
    first_out, second_out = evals.folder / "first.jsonl", evals.folder / "second.jsonl"
    with evals.started(first_out, "home", "--tasks", "2") as first:
        until(lambda: evals.begun("home", IDS[0]))
        with evals.started(second_out, "home", "--tasks", "1") as second:
            assert second.stderr
            assert "waiting for another eval to end" in second.stderr.readline()
            assert first.poll() is None
            assert not second_out.stat().st_size
            first.communicate(timeout=60)
            assert second.wait(60) == 0
    assert (first.returncode, n_rows(first_out), n_rows(second_out)) == (0, 2, 1)
    assert read_rows(second_out)[0].started >= read_rows(first_out)[-1].started
