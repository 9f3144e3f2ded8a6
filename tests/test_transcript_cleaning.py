"""Which transcripts go and which stay: by age, by number, by who needs them."""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from qwenagent.protocol.events import Event, RunStarted
from qwenagent.transcript import PastRun, TranscriptWriter, choose, past_runs, remove, run_path
from tests.sample_events import BEGIN, END, SOLVED, records
from tests.test_transcript_runs import BEGUN, ENDED, keep

DAY_S = 24 * 3600.0
NOW = 100 * DAY_S
TASK = replace(BEGUN, kind="task")
DONE = replace(ENDED, exit_code=0, steps=(SOLVED,))


def run(name: str, days: float, *events: Event, **changes: Any) -> PastRun:
    """A run that wrote its last line so many days ago."""
    path = keep(name, events or [TASK, DONE])
    os.utime(path, (NOW, NOW - days * DAY_S))
    (found,) = (found for found in past_runs() if found.run_id == name)
    return replace(found, **changes)


def cleaned(
    runs: Sequence[PastRun], *, days: float = 30, n_kept: int = 0, waiting: bool = True
) -> list[str]:
    """Return the ids that go, those under way and those that are needed, in three words."""
    cleaning = choose(
        runs,
        before=NOW - days * DAY_S,
        n_kept=n_kept,
        now=NOW,
        waits_for=lambda _: waiting,
    )
    groups = (cleaning.going, cleaning.under_way, cleaning.needed)
    return ["".join(run.run_id for run in group) for group in groups]


def plan(title: str, repository: str = "/here") -> RunStarted:
    return replace(BEGUN, title=title, repository=repository)


@pytest.mark.parametrize(
    ("days", "n_kept", "going"),
    [
        (30, 0, "ba"), (50, 0, "a"), (0, 0, "dcba"), (99, 0, ""),
        (0, 3, "a"), (30, 3, "a"), (30, 9, ""),
    ],
)  # fmt: skip
def test_by_age_and_number(days, n_kept, going):
    runs = [run(name, age) for name, age in (("d", 1), ("c", 20), ("b", 40), ("a", 60))]
    assert cleaned(runs, days=days, n_kept=n_kept) == [going, "", ""]


def test_a_run_under_way_stays_however_old():
    runs = [run("b", 60, TASK, is_under_way=True), run("a", 60)]
    assert cleaned(runs, waiting=False) == ["a", "b", ""]


def test_where_no_lock_tells_it_a_run_without_an_end_may_be_under_way_for_a_day():
    runs = [run("b", 0.9, TASK), run("a", 1.1, TASK)]
    assert cleaned(runs, days=0, waiting=False) == ["a", "b", ""]


@pytest.mark.parametrize(("waiting", "ends"), [(True, ["", "", "a"]), (False, ["a", "", ""])])
def test_a_killed_run_stays_while_its_work_waits(waiting, ends):
    assert cleaned([run("a", 60, TASK)], waiting=waiting) == ends


def test_all_runs_of_a_plan_stay_until_its_newest_is_complete():
    first = [run("a", 60, plan("p"), ENDED), run("b", 60, plan("q"), ENDED)]
    second = [run("d", 50, plan("p"), DONE), run("c", 50, plan("q"), ENDED), *first[::-1]]
    assert cleaned(second) == ["da", "", "cb"]
    assert cleaned(second, waiting=False) == ["dcba", "", ""]


def test_plans_of_the_same_name_elsewhere_are_others():
    runs = [run("b", 60, plan("p", "/there"), DONE), run("a", 60, plan("p"), ENDED)]
    assert cleaned(runs) == ["b", "", "a"]


def test_what_never_began_goes():
    run_path("a").parent.mkdir(parents=True)
    run_path("a").touch()
    os.utime(run_path("a"), (NOW, NOW - 60 * DAY_S))
    assert cleaned(list(past_runs())) == ["a", "", ""]


def test_what_goes_is_removed_and_what_is_written_since_is_not():
    runs = [run("c", 60), run("b", 60), run("a", 60)]
    cleaning = choose(runs, before=NOW, n_kept=0, now=NOW, waits_for=lambda _: True)
    run_path("a").unlink()
    with TranscriptWriter(run_path("b")) as writer:
        writer(records(END)[0])
        gone = remove(cleaning)
    assert [run.run_id for run in gone] == ["c"]
    assert cleaning.size_bytes == sum(run.size_bytes for run in runs)
    assert [run.run_id for run in past_runs()] == ["b"]


def test_the_sample_is_a_plan_that_is_not_done():
    assert cleaned([run("a", 60, *BEGIN, *END)]) == ["", "", "a"]
