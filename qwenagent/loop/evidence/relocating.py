"""Tests whose files a step is to delete or to rename: under which ids they are looked for then."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from qwenagent.checks.judge import relocated
from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.evidence.testcode import source_of_test
from qwenagent.loop.evidence.testsource import files_of_tests
from qwenagent.protocol.checks import TestRun
from qwenagent.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Relocations:
    """What a step's deletions and renamings do to the tests that were there before it."""

    tree: Workspace
    _ids: Mapping[str, Mapping[str, str | None]] = field(default_factory=dict)
    """By file, by id: the new id, None where the test goes away with its file."""

    @classmethod
    def of(
        cls,
        tree: Workspace,
        tests: Collection[str],
        delete: Collection[str],
        rename: Mapping[str, str],
    ) -> Relocations:
        """Return them for known tests, by id, while their files are still there."""
        leaving = [*delete, *rename]
        if not leaving:
            return cls(tree)
        homes = files_of_tests(tree, tests)
        texts = {path: tree.text(path) or "" for path in delete if is_test_file(path)}
        found: dict[str, dict[str, str | None]] = {path: {} for path in leaving}
        for test in tests:
            home = homes.get(test) or _home_by_title(test, texts)
            if home in found:
                found[home][test] = _new_id(test, home, rename[home]) if home in rename else None
        return cls(tree, found)

    def applied(self, before: TestRun | None, after: TestRun | None = None) -> TestRun | None:
        """Return a run from before as it has to be compared with one after; None if it is empty.

        Only what has left its place counts, and no test that `after` still knows by its old id.
        """
        known = after.statuses if after else {}
        ids = {
            test: new
            for path, tests in self._ids.items()
            if not self.tree.exists(path)
            for test, new in tests.items()
            if test not in known
        }
        if before is None or not ids.keys() & before.statuses.keys():
            return before
        run = relocated(before, ids)
        return run if run.statuses else None


def _home_by_title(test: str, texts: Mapping[str, str]) -> str:
    """Return the only one of some files that has a test of this name, "" if none is it."""
    homes = [path for path, text in texts.items() if source_of_test(test, path, text)]
    return homes[0] if len(homes) == 1 else ""


def _new_id(test: str, old: str, new: str) -> str | None:
    """Return the id of a test after its file was renamed, None if that cannot be known."""
    if test.startswith(old):
        return new + test.removeprefix(old)
    before, after = (path.rpartition(".")[0].split("/") for path in (old, new))
    for n, _ in enumerate(before):
        module = ".".join(before[n:])
        if test.startswith(f"{module}."):
            is_same_root = before[:n] == after[:n]
            return ".".join(after[n:]) + test.removeprefix(module) if is_same_root else None
    return None
