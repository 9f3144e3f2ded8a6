"""The part of a slow suite that reaches changed files, and what its run says of the whole."""

from __future__ import annotations

import posixpath
from collections.abc import Collection
from dataclasses import dataclass, replace

from qwenagent.checks.affected import affected_tests, files_of_ids
from qwenagent.checks.selection import select
from qwenagent.protocol.checks import TestCommand, TestRun, TestStatus
from qwenagent.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Part:
    """Some test files of a suite. `command` is None where the runner takes no files."""

    files: tuple[str, ...]
    ids: frozenset[str]
    """The tests of these files that the suite is known to have."""
    command: TestCommand | None


def part_for(
    suite: TestCommand,
    whole: TestRun,
    tree: Workspace,
    written: Collection[str],
    waiting: Collection[str],
) -> Part:
    """Return the part that reaches the written files, and the tests that wait for a step."""
    listed = tree.files()
    by_file = files_of_ids(whole.statuses, listed)
    waiting = frozenset(waiting)
    files = [path for path, ids in by_file.items() if waiting.intersection(ids)]
    files += affected_tests(written, listed, tree.text, whole.statuses)
    files = list(dict.fromkeys(files))
    ids = {test for path in files for test in by_file.get(path, ())}
    # Go names tests by their package's folder.
    packages = {posixpath.dirname(path) or "." for path in files if path.endswith(".go")}
    ids |= {test for test in whole.statuses if test.partition("::")[0] in packages}
    command = select(suite, (), files, root=tree.root) if files and whole.statuses else None
    return Part(tuple(files), frozenset(ids), command)


def overlaid(whole: TestRun, run: TestRun, part: Part) -> TestRun:
    """Return a run of the whole suite in which this part went as `run` did.

    A test of the part's files that the run does not name is gone; all others are as before.
    """
    again = part.ids | run.statuses.keys()
    statuses: dict[str, TestStatus] = {
        test: status for test, status in whole.statuses.items() if test not in again
    }
    statuses |= run.statuses
    rest = {test: text for test, text in whole.failures.items() if test not in again}
    red = "failed" in statuses.values()
    return replace(
        run,
        command=whole.command,
        exit_code=run.exit_code or (whole.exit_code or 1 if red else 0),
        seconds=whole.seconds,
        statuses=statuses,
        failures=run.failures | rest,
    )
