"""How a run over tasks is told: what was passed so far, where it is, the time that is left."""

from __future__ import annotations

import pytest

from qwenagent.evals import TASK_COLUMNS, Progress, row_cells
from tests.rows_stage import row, small_task

TASKS = [small_task(name) for name in ("one", "two", "three", "four")]


class Clock:
    """Shows what it is set to, in seconds."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_run_from_its_beginning_to_its_end():
    clock = Clock()
    progress = Progress(clock)
    told, shown = [progress.status()], []
    progress.on_row = lambda one: shown.append(one.task)
    progress.begins(TASKS, [])
    told.append(progress.status())
    for task, seconds, passed in zip(TASKS, (61, 19, 40, 3600), (1, 0, 1, 1), strict=True):
        progress.tries(task)
        clock.now += seconds / 2
        told.append(progress.status())
        clock.now += seconds / 2
        progress.has(row(task.id, bool(passed)))
        told.append(progress.status())
    assert told == [
        "0 of 0",
        "0 of 4",
        "0 of 4, edit/one for 0:30",
        "1 of 4, 100.0 % passed (21-100 %), 3:03 left",
        "1 of 4, 100.0 % passed (21-100 %), edit/two for 0:09, 2:53 left",
        "2 of 4, 50.0 % passed (9-91 %), 1:20 left",
        "2 of 4, 50.0 % passed (9-91 %), edit/three for 0:20, 1:00 left",
        "3 of 4, 66.7 % passed (21-94 %), 0:40 left",
        "3 of 4, 66.7 % passed (21-94 %), edit/four for 30:00, 0:01 left",
        "4 of 4, 75.0 % passed (30-95 %)",
    ]
    assert shown == ["one", "two", "three", "four"]


def test_rows_of_an_earlier_run_count_and_their_time_does_not():
    clock = Clock()
    progress = Progress(clock)
    progress.begins(TASKS, [row("one", seconds=500.0), row("two", False)])
    assert progress.status() == "2 of 4, 50.0 % passed (9-91 %)"
    progress.tries(TASKS[2])
    clock.now += 7205
    progress.has(row("three"))
    assert progress.status() == "3 of 4, 66.7 % passed (21-94 %), 2:00:05 left"


@pytest.mark.parametrize(
    ("one", "cells"),
    [
        (row(), ("pass", "edit/one", "python", "1", "6.0", "100", "")),
        (
            row("two", False, tries=2, seconds=1234.56, completion_tokens=12345, late=True),
            ("fail", "edit/two", "python", "2", "1234.6", "12,345", "late"),
        ),
        (
            row(passed=False, late=True, note="no file"),
            ("fail", "edit/one", "python", "1", "6.0", "100", "late; no file"),
        ),
        (
            row(passed=False, kind="plan", checks={"a": True, "b": True, "c": False}),
            ("2/3", "plan/one", "python", "1", "6.0", "100", ""),
        ),
        (
            row(kind="plan", checks={"a": True}),
            ("pass", "plan/one", "python", "1", "6.0", "100", ""),
        ),
    ],
    ids=["passed", "late", "noted", "plan", "whole plan"],
)
def test_the_cells_of_a_row(one, cells):
    assert row_cells(one) == cells
    assert len(cells) == len(TASK_COLUMNS)
