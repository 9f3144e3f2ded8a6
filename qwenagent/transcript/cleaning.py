"""Which transcripts may go, and their removal. Knows no plans: who needs one is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from qwenagent.transcript.holding import is_held
from qwenagent.transcript.pastrun import PastRun

_MAYBE_UNDER_WAY_S = 24 * 3600.0
"""Where no lock tells it: a run without an end that has written something since."""


@dataclass(frozen=True, slots=True)
class Cleaning:
    """What is to go, the oldest last, and what would go if nothing spoke against it."""

    going: tuple[PastRun, ...] = ()
    under_way: tuple[PastRun, ...] = ()
    needed: tuple[PastRun, ...] = ()
    """By a plan that is not done, or by what a killed run has left."""

    @property
    def size_bytes(self) -> int:
        """Of all that is to go."""
        return sum(run.size_bytes for run in self.going)


def choose(
    runs: Sequence[PastRun],
    *,
    before: float,
    n_kept: int,
    now: float,
    waits_for: Callable[[PastRun], bool],
) -> Cleaning:
    """Return what may go of `runs`, which are all there are, the newest first.

    Goes what was last written before `before` (seconds since the epoch) and is not among the
    newest `n_kept`. `waits_for` is asked whether something in a run's repository still waits for
    it to be gone on with; if so, all runs of the same plan stay.
    """
    old = [run for run in runs[n_kept:] if run.changed < before]
    under_way = tuple(run for run in old if run.is_under_way or _may_be_under_way(run, now))
    needed_plans = {_plan(run) for run in _newest_of_plans(runs) if _is_open(run, waits_for)}
    rest = [run for run in old if run not in under_way]
    needed = tuple(
        run for run in rest if _plan(run) in needed_plans or (_was_killed(run) and waits_for(run))
    )
    going = tuple(run for run in rest if run not in needed)
    return Cleaning(going, under_way, needed)


def remove(cleaning: Cleaning) -> list[PastRun]:
    """Remove what is to go; return what of it was removed.

    Raises:
        OSError: one cannot be removed; those before it are.
    """
    return [run for run in cleaning.going if _remove(run)]


def _remove(run: PastRun) -> bool:
    with suppress(FileNotFoundError), run.path.open("rb") as file:
        if not is_held(file.fileno()):  # nobody has begun to write it since
            run.path.unlink()
            return True
    return False


def _may_be_under_way(run: PastRun, now: float) -> bool:
    return run.finished is None and now - run.changed < _MAYBE_UNDER_WAY_S


def _plan(run: PastRun) -> tuple[str, str]:
    return run.repository, run.started.title if run.started else ""


def _newest_of_plans(runs: Sequence[PastRun]) -> list[PastRun]:
    plans: dict[tuple[str, str], PastRun] = {}
    for run in runs:
        if run.started and run.started.kind == "plan":
            plans.setdefault(_plan(run), run)
    return list(plans.values())


def _is_open(run: PastRun, waits_for: Callable[[PastRun], bool]) -> bool:
    return not run.is_complete and waits_for(run)


def _was_killed(run: PastRun) -> bool:
    return run.started is not None and run.finished is None
