"""Compares two test runs: did something turn green, did something turn red?

A run whose tests are not known one by one counts as a single test, named by its command.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from qwenagent.checks.command import parse_command
from qwenagent.checks.trivial import is_trivial
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestRun, TestStatus

_MAX_NAMED = 3


@dataclass(frozen=True, slots=True)
class Verdict:
    """What changed between two runs. `evidence` if that speaks for the change in between."""

    newly_passed: tuple[str, ...]
    """Red, skipped or absent before, green now; sorted."""
    newly_failed: tuple[str, ...]
    """Green before; now red, skipped or gone; sorted."""
    evidence: bool
    why: str


def compare(before: TestRun | None, after: TestRun) -> Verdict:
    """Compare a run with the one before the change; None if there was nothing to run before."""
    old = _statuses(before, after) if before else {}
    new = _statuses(after, after)
    green_before = {test for test, status in old.items() if status == "passed"}
    green_now = {test for test, status in new.items() if status == "passed"}
    newly_passed = tuple(sorted(green_now - green_before))
    newly_failed = tuple(sorted(_lost(before, after, green_before - green_now)))
    why_not = _why_not(after, newly_passed, newly_failed)
    why = why_not or f"{_named(newly_passed)} passed for the first time, none turned red"
    return Verdict(newly_passed, newly_failed, not why_not, why)


def _statuses(run: TestRun, after: TestRun) -> dict[str, TestStatus]:
    by_command: dict[str, TestStatus] = {after.command: "passed" if run.green else "failed"}
    if run.statuses:
        # Green now, but without ids: whatever was there before has not turned red.
        return run.statuses if after.statuses or not after.green else by_command
    if run is not after and after.statuses:
        # Green without ids, then with ids: nothing is known of the single tests, so none is new.
        return dict(after.statuses) if run.green else {}
    return by_command


def _lost(before: TestRun | None, after: TestRun, tests: Collection[str]) -> Collection[str]:
    """Return the tests that were green, or what else shows that a green command turned red."""
    if tests or before is None or not before.green or after.green:
        return tests
    red = [test for test, status in after.statuses.items() if status == "failed"]
    if before.statuses and red:
        return ()  # tests that were not there before; those that were still pass
    return red or [after.command]


def _why_not(after: TestRun, passed: tuple[str, ...], failed: tuple[str, ...]) -> str:
    """Say why a comparison is no evidence, "" if it is."""
    if after.timed_out:
        return f"the tests did not end within {after.seconds:.0f} s"
    if not after.collected:
        return "no tests were collected"
    if failed:
        return f"{_named(failed)} passed before and no longer does"
    if _cannot_fail(after.command):
        return f"`{after.command}` cannot fail"
    if not passed:
        return "no test turned from red or absent to green"
    return ""


def _cannot_fail(command: str) -> bool:
    try:
        return is_trivial(parse_command(command, "detected"))
    except ChecksError:
        return False


def _named(tests: tuple[str, ...]) -> str:
    more = f" and {len(tests) - _MAX_NAMED} more" if len(tests) > _MAX_NAMED else ""
    return ", ".join(tests[:_MAX_NAMED]) + more
