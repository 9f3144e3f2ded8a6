"""Compares two test runs: did something turn green, did something turn red?

A run whose tests are not known one by one counts as a single test, named by its command.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from qwenagent.checks.command import parse_command
from qwenagent.checks.failures import signal_name
from qwenagent.checks.trivial import is_trivial
from qwenagent.errors import ChecksError
from qwenagent.protocol.checks import TestRun, TestStatus

_MAX_NAMED = 3
# What a shell says of a command in it.
_NOT_EXECUTABLE = 126
_NOT_FOUND = 127
_SIGNALS = 128


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
    why_not = _why_not(before, after, newly_passed, newly_failed)
    why = why_not or f"{named(newly_passed)} passed for the first time, none turned red"
    return Verdict(newly_passed, newly_failed, not why_not, why)


def relocated(run: TestRun, ids: Mapping[str, str | None]) -> TestRun:
    """Return a run with other ids for some tests, and without those whose new id is None."""
    names = {test: ids.get(test, test) for test in run.statuses}
    statuses = {new: run.statuses[test] for test, new in names.items() if new is not None}
    failures = {ids.get(test, test): text for test, text in run.failures.items()}
    kept = {new: text for new, text in failures.items() if new is not None}
    return replace(run, statuses=statuses, failures=kept)


def ending(run: TestRun) -> str:
    """Return how a run ended, as a verb: "ended with exit code 2", "was killed by SIGSEGV"."""
    code = run.exit_code
    if run.timed_out:
        return f"did not end within {run.seconds:.0f} s"
    if code < 0:
        return f"was killed by {signal_name(-code)}"
    if not run.collected:
        return "found no tests"
    if code in (_NOT_EXECUTABLE, _NOT_FOUND):
        why = "not found" if code == _NOT_FOUND else "not executable"
        return f"ended with exit code {code}: a program in it is {why}"
    if code > _SIGNALS and (name := signal_name(code - _SIGNALS)).startswith("SIG"):
        return f"ended with exit code {code}, as after {name}"
    return f"ended with exit code {code}"


def is_cut_short(run: TestRun) -> bool:
    """True if a run did not come to its own end: a time-out, or a signal."""
    return run.timed_out or run.exit_code < 0


def what_fails(run: TestRun) -> str:
    """Return what a red run is red of: its failed tests, or how it ended."""
    red = [test for test, status in run.statuses.items() if status == "failed"]
    if is_cut_short(run) or not red:
        return f"`{run.command}` {ending(run)}"
    return f"{named(red)} {'fails' if len(red) == 1 else 'fail'}"


def named(tests: Sequence[str]) -> str:
    """Return the first of some tests, and how many more there are."""
    more = f" and {len(tests) - _MAX_NAMED} more" if len(tests) > _MAX_NAMED else ""
    return ", ".join(tests[:_MAX_NAMED]) + more


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


def _why_not(
    before: TestRun | None, after: TestRun, passed: tuple[str, ...], failed: tuple[str, ...]
) -> str:
    """Say why a comparison is no evidence, "" if it is."""
    n_before = len(before.statuses) if before else 0
    if is_cut_short(after):
        return f"`{after.command}` {ending(after)}"
    if not after.collected:
        return f"no tests were collected; {n_before} were before" if n_before else _NO_TESTS
    if failed:
        no_longer = f"{named(failed)} passed before and no longer {_do(failed)}"
        unnamed = n_before and not after.statuses
        return f"`{after.command}` {ending(after)} and named no test" if unnamed else no_longer
    if _cannot_fail(after.command):
        return f"`{after.command}` cannot fail"
    if not passed:
        return "no test turned from red or absent to green"
    return ""


_NO_TESTS = "no tests were collected"


def _do(tests: Sequence[str]) -> str:
    return "does" if len(tests) == 1 else "do"


def _cannot_fail(command: str) -> bool:
    try:
        return is_trivial(parse_command(command, "detected"))
    except ChecksError:
        return False
