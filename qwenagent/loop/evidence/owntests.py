"""Which tests a step wrote itself: those are no evidence for it. Reads files, runs nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from qwenagent.checks.testfiles import holds_tests, is_test_file
from qwenagent.loop.evidence.testcode import source_of_test
from qwenagent.loop.evidence.testsource import files_in_command, files_of_tests
from qwenagent.loop.evidence.unbuilt import is_of_program
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Workspace


def own_tests(
    tests: Collection[str],
    written: Collection[str],
    before: Iterable[TestRun | None],
    tree: Workspace,
) -> set[str]:
    """Return those of some tests that pass now that a step wrote; `written` are its files.

    `before` are the runs before the step. A test is the step's own if it stands in a file that
    the step wrote. Where an id tells no test file, as Mocha's and Rust's do not, it is if no run
    knew it before and the step wrote tests at all.
    """
    homes = files_of_tests(tree, tests)
    tested = [path for path in written if _is_tested(path, homes.values(), tree)]
    known = _known(tests, [run for run in before if run], tree)
    return {test for test in tests if _is_own(test, homes.get(test), tested, known, tree)}


def _is_tested(path: str, homes: Collection[str], tree: Workspace) -> bool:
    """Tell whether there are tests in a file, as those of Rust or of Python's documentation."""
    return path in homes or is_test_file(path) or holds_tests(path, tree.text)


def _is_own(
    test: str, home: str | None, tested: Collection[str], known: Collection[str], tree: Workspace
) -> bool:
    if home and is_test_file(home):
        return home in tested
    if home or test not in known:
        return bool(tested) and test not in known
    if named := files_in_command(tree, test):  # a run whose tests are not known one by one
        return any(path in tested for path in named)
    texts = ((path, tree.text(path) or "") for path in tested if is_test_file(path))
    return any(source_of_test(test, path, text) for path, text in texts)


def _known(tests: Iterable[str], before: Collection[TestRun], tree: Workspace) -> set[str]:
    """Return the tests that there were before: by their ids, or that nothing was told of."""
    known = {test for run in before for test in _told_by(run)}
    # A program that did not compile told none of its tests.
    if any(is_of_program(test, tree) for run in before for test in run.failures):
        known.update(tests)
    return known


def _told_by(run: TestRun) -> Iterator[str]:
    yield from run.statuses
    if run.collected and not run.statuses:
        yield run.command
