"""Tests that fail and pass without a change in between: found by running them again.

Who runs commands, and how long they may take, is the caller's affair.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path

from qwenagent.checks.selection import select
from qwenagent.protocol.checks import TestCommand, TestRun

MAX_RERUN = 20
"""More tests than this that fail at once are no flip-floppers."""
QUICK_S = 20.0
"""A command that took no longer is run again as a whole, too."""

RunAgain = Callable[[TestCommand], TestRun]


class FlipFloppers:
    """The tests that were set aside, by id; a command without ids is its own only test."""

    def __init__(self, root: Path | None = None) -> None:
        """`root` is the repository, needed to see through `npm test` and the like."""
        self._root = root
        self._ids: dict[str, None] = {}
        self._red_twice: set[str] = set()

    @property
    def ids(self) -> tuple[str, ...]:
        """What was set aside, in the order of finding."""
        return tuple(self._ids)

    def find(
        self, command: TestCommand, run: TestRun, suspects: Collection[str], again: RunAgain
    ) -> list[str]:
        """Run red tests again, once, and set aside those that pass now; return these.

        A test that passes alone may fail in company because of the change that is judged, so
        where the whole command is quick it has to pass there as well.
        """
        self._red_twice.difference_update(t for t, s in run.statuses.items() if s == "passed")
        if run.timed_out or not 0 < len(suspects) <= MAX_RERUN:
            return []
        flipped = list(suspects)
        alone = select(command, flipped, root=self._root) if run.statuses else None
        quick = run.seconds <= QUICK_S
        if alone:
            flipped = passed_in(again(alone), flipped)
        if quick and flipped:
            flipped = passed_in(again(command), flipped)
        if not (alone or quick):
            return []
        self._red_twice.update(set(suspects) - set(flipped))
        self._ids.update(dict.fromkeys(flipped))
        return flipped

    def unconfirmed(self, run: TestRun) -> list[str]:
        """Return the red tests of a run that were not seen red twice yet."""
        return [test for test in red_tests(run) if test not in self._red_twice]

    def drop(self, run: TestRun) -> TestRun:
        """Return a run without what was set aside; if nothing is left, nothing was collected."""
        gone = self._ids.keys() & (run.statuses.keys() or {run.command})
        if not gone:
            return run
        statuses = {t: s for t, s in run.statuses.items() if t not in gone}
        failed = any(run.statuses.get(t) == "failed" for t in gone)
        # Nothing else is red: the exit code spoke of those alone.
        mended = failed and run.exit_code > 0 and "failed" not in statuses.values()
        return replace(
            run,
            exit_code=0 if mended else run.exit_code,
            statuses=statuses,
            failures={t: text for t, text in run.failures.items() if t not in gone},
            collected=run.collected and bool(statuses),
        )


def passed_in(run: TestRun | None, tests: Collection[str]) -> list[str]:
    """Return those of the tests that a run saw pass."""
    if run is None:
        return []
    by_command = {run.command} if run.green and not run.statuses else set()
    return [t for t in tests if run.statuses.get(t) == "passed" or t in by_command]


def red_tests(run: TestRun) -> list[str]:
    """Return the failed tests of a run; of one without ids, its command if that is red."""
    if run.green or not run.collected:
        return []
    if not run.statuses:
        return [run.command]
    return [t for t, status in run.statuses.items() if status == "failed"]
