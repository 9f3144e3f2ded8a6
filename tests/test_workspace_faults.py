"""Whole runs in which one write goes wrong: killed there, the disk full, the permission missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults_shim import Fault, build
from tests.faults_stage import Runs, ended_well, goes_on, wrong

N_KILLED, N_COPIES, N_FULL = 8, 100, 20
"""Spread over all writes. On a free core a run that is killed takes half a second with the look at
what is left. What a kill would leave can be copied from one run, and is looked at in 0.15 s: so all
kills take 25 s. `python -m tests.benchmarks.faults` has more, real ones, drawn by chance."""
WAYS: list[tuple[Fault, bool]] = [
    ("full", True), ("denied", True), ("full", False), ("denied", False),
]  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    folder = tmp_path_factory.mktemp("faults")
    library = build(folder)
    if library is None:
        pytest.skip("faults come from a library for Linux, and there is no C compiler here")
    runs = Runs(folder, library)
    yield runs
    runs.close()


@pytest.mark.parametrize("number", range(N_KILLED))
def test_killed_at_a_write(number, runs):
    """With all that it has started: git is killed in the middle of a commit, too."""
    root = runs.stage(f"killed-{number}")
    at = 1 + number * runs.count("killed") // N_KILLED
    assert runs.run(root, "killed", at).status == -9
    assert wrong(root) == ""
    if number % 4 == 0:
        assert goes_on(runs, root) == ""


@pytest.fixture(scope="module")
def copies(runs: Runs) -> list[Path]:
    return runs.copies(runs.stage("copied"), max(runs.count("killed") // (N_COPIES + 5), 1))


@pytest.mark.parametrize("number", range(N_COPIES))
def test_what_a_kill_at_a_write_would_leave(number, copies, runs):
    root = copies[number * len(copies) // N_COPIES]
    assert wrong(root) == ""
    if number % 20 == 10:
        assert goes_on(runs, root) == ""


@pytest.mark.parametrize("number", range(3))
def test_killed_at_a_time_while_git_goes_on(number, runs):
    root = runs.stage(f"alone-{number}")
    runs.run(root, after_s=(number + 1) * runs.seconds / 5)
    assert wrong(root) == ""


@pytest.mark.parametrize("number", range(N_FULL))
def test_a_full_disk_and_a_missing_permission(number, runs):
    """From a write on, or at that one alone."""
    fault, lasting = WAYS[number % len(WAYS)]
    at = 1 + number * runs.count(fault) // N_FULL
    root = runs.stage(f"full-{number}")
    ended = runs.run(root, fault, at, lasting=lasting)
    assert ended.what
    assert ended_well(ended) == ""
    assert wrong(root) == ""
    if number % 5 == 0:
        assert goes_on(runs, root) == ""
