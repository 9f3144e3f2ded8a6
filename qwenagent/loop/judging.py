"""Tests as the oracle: is the step done, and is this attempt better than the one before?"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from qwenagent.checks import Verdict, compare
from qwenagent.loop.targets import identifiers
from qwenagent.loop.testing import Tests, files_of_tests
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.syntax import symbols
from qwenagent.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Judged:
    """What the tests say of the tree as it is."""

    state: Literal["solved", "unverified", "red"]
    reason: str
    shown: TestRun | None
    """The run to tell of: the red one, or the step's own."""
    suite: TestRun | None
    """The whole suite's run, if it was run."""
    newly_passed: tuple[str, ...] = ()
    newly_failed: tuple[str, ...] = ()

    @property
    def rank(self) -> tuple[int, ...]:
        """Orders attempts: nothing broken first, then more tests won, then fewer red."""
        done = {"solved": 2, "unverified": 1, "red": 0}[self.state]
        n_red = self.shown.n_failed if self.shown else 0
        return (done, -len(self.newly_failed), len(self.newly_passed), -n_red)


class Judge:
    """Judges one step. Made before the step changes anything, so that it sees the red tests."""

    def __init__(
        self, step: Step, command: TestCommand | None, tests: Tests, tree: Workspace
    ) -> None:
        self.command = command
        self._tests = tests
        self._tree = tree
        self._same = bool(command and tests.suite and command.argv == tests.suite.argv)
        self.before = self._measure()
        self._waiting = self._waiting_for(step)

    @property
    def shown_command(self) -> str:
        """The command whose tests have to pass, as typed; empty if there is none."""
        command = self.command or self._tests.suite
        return command.shown if command else ""

    @property
    def start_rank(self) -> tuple[int, ...]:
        """The rank of the tree before the step, for comparing with attempts."""
        return (0, 0, 0, -(self.before.n_failed if self.before else 0))

    @property
    def failing(self) -> TestRun | None:
        """The red run that the step starts from, None if nothing red speaks of it."""
        if self.before and not self.before.green and (self.command or self._waiting):
            return self.before
        return None

    def judge(self, written: Collection[str]) -> Judged:
        """Run the tests; `written` are the files this step wrote.

        Raises:
            ChecksError, Stopped: see `Tests.run`.
        """
        own = self._tests.run(self.command, "step") if self.command else None
        if own and not own.green:
            verdict = compare(self.before, own)
            reason = f"the step's tests are red: {verdict.why}"
            return self._judged("red", reason, own, None, verdict)
        suite = own if self._same else self._run_suite()
        return self._with_suite(own, suite, written)

    def _measure(self) -> TestRun | None:
        if self.command is None or self._same:
            return self._tests.baseline
        return self._tests.run(self.command, "baseline")

    def _run_suite(self) -> TestRun | None:
        return self._tests.run(self._tests.suite, "regression") if self._tests.suite else None

    def _with_suite(
        self, own: TestRun | None, suite: TestRun | None, written: Collection[str]
    ) -> Judged:
        over_all = compare(self._tests.baseline, suite) if suite else None
        if suite and over_all and over_all.newly_failed:
            reason = f"{over_all.why}"
            return self._judged("red", reason, suite, suite, over_all)
        verdicts = [compare(self.before, own)] if own else []
        verdicts += [over_all] if over_all else []
        won = [t for v in verdicts for t in v.newly_passed if not self._is_own(t, written)]
        shown = own or suite
        if won and any(v.evidence for v in verdicts):
            best = next(v for v in verdicts if v.evidence)
            return self._judged("solved", best.why, shown, suite, best)
        if own is None and self._waiting and shown and not shown.green:
            return self._judged("red", f"{self._waiting[0]} is still red", shown, suite, None)
        reason = "no test turned from red to green for it" if verdicts else "no test speaks for it"
        if verdicts and any(v.newly_passed for v in verdicts):
            reason = "only tests that this step wrote itself speak for it"
        return self._judged("unverified", reason, shown, suite, None)

    def _judged(
        self,
        state: Literal["solved", "unverified", "red"],
        reason: str,
        shown: TestRun | None,
        suite: TestRun | None,
        verdict: Verdict | None,
    ) -> Judged:
        passed = verdict.newly_passed if verdict else ()
        failed = verdict.newly_failed if verdict else ()
        return Judged(state, reason, shown, suite, passed, failed)

    def _is_own(self, test: str, written: Collection[str]) -> bool:
        return any(path in written for path in files_of_tests(self._tree, test))

    def _waiting_for(self, step: Step) -> tuple[str, ...]:
        """Red tests of the suite that use a name which the step mentions."""
        if self.command or not self.before or self.before.green:
            return ()
        names = identifiers(step)
        red = [t for t, s in self.before.statuses.items() if s == "failed"]
        return tuple(t for t in red if names & self._names_in(t))

    def _names_in(self, test: str) -> set[str]:
        """The words of a test's function, or of its whole file where that is not found."""
        short = test.replace("::", ".").split("[")[0].rpartition(".")[2]
        for path in files_of_tests(self._tree, test):
            text = self._tree.text(path) or ""
            lines = text.split("\n")
            for symbol in symbols(path, text):
                if symbol.name.rpartition(".")[2] == short:
                    text = "\n".join(lines[symbol.first_line - 1 : symbol.last_line])
                    break
            return set(_words(text))
        return set()


def _words(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "_" else " " for c in text).split()
