"""Tests as the oracle: is the step done, and is this attempt better than the one before?"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from qwenagent.checks import Verdict
from qwenagent.checks.judge import is_cut_short, what_fails
from qwenagent.checks.testfiles import is_test_file
from qwenagent.loop.editing.targets import identifiers
from qwenagent.loop.evidence.examples import Examples
from qwenagent.loop.evidence.limits import is_interpreted
from qwenagent.loop.evidence.owntests import own_tests
from qwenagent.loop.evidence.progress import lines_passed, tells_of_missing
from qwenagent.loop.evidence.relocating import Relocations
from qwenagent.loop.evidence.testing import Tests
from qwenagent.loop.evidence.testsource import files_in_step, files_of_tests, words_of_tests
from qwenagent.loop.evidence.unbuilt import has_tests, is_unbuilt, passes
from qwenagent.loop.words.redtests import speaks_of_red_tests
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.workspace import Workspace

_ALL = 1_000_000


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
    is_guess: bool = False
    """True where all that is red are tests that seem to belong to the step by a name."""
    tests_solved: bool = False
    """True where the tests are content, and examples from the step's text alone are not."""
    is_wish: bool = False
    """True where all that is red was red before, and nobody said that it has to turn green."""
    is_unbuilt: bool = False
    """True where no test could be run, since what they test does not build or load."""
    is_won: bool = False
    """True where a test passes now that speaks for the step: none that it wrote itself."""
    n_lines: int = 0
    """How far the red tests got, see `lines_passed`."""

    @property
    def rank(self) -> tuple[int, ...]:
        """Orders attempts: nothing broken, more tests won, fewer red, those that fail later."""
        done = {"solved": 2, "unverified": 1, "red": 0}[self.state]
        won, lost = len(self.newly_passed), len(self.newly_failed)
        return (done, -lost, won, -_n_red(self.shown), self.n_lines)


class Judge:
    """Judges one step. Made before the step changes anything, so that it sees the red tests."""

    def __init__(
        self,
        step: Step,
        command: TestCommand | None,
        tests: Tests,
        tree: Workspace,
        wanted: Sequence[str] = (),
        *,
        is_task: bool = False,
        gives_test: bool = False,
        delete: Sequence[str] = (),
        rename: Sequence[tuple[str, str]] = (),
    ) -> None:
        """`wanted` are the files that the step is about, there or not.

        A task whose test command was given with it wishes for green ones. Tests in the files that
        are to be deleted or renamed are not missed, or looked for in their new place. If the step
        `gives_test`, what the suite said before that was written says nothing of it.
        """
        self.command = command
        self._tests = tests
        self._tree = tree
        self._gives_test = gives_test
        self._same = not gives_test and _is_same(command, tests.suite)
        self.before = self._measure()
        self._was_blank = command is None and self._is_about_suite(step)
        if self._was_blank and tests.suite:
            self.command, self._same = tests.suite, True
        elif self._was_blank and tests.endless:
            self.command, self.before = tests.endless
        runs = [run for run in (self.before, tests.baseline) if run]
        known = dict.fromkeys(test for run in runs for test in run.statuses)
        self._relocations = Relocations.of(tree, known, delete, dict(rename))
        asked = self._asked_for(step)
        self._wished = self._red_tests() if is_task and _is_given(tests.suite) else ()
        self._waiting = asked or self._wished or self._waiting_for(step)
        self._is_asked = bool(asked)
        self._examples = Examples(step, wanted, tests, tree)
        # What failed may be pasted into the task where the tests themselves are out of reach.
        self._is_told = self._examples.wait and speaks_of_red_tests(step.text)

    @property
    def shown_command(self) -> str:
        """The command whose tests have to pass, as typed; empty if there is none."""
        command = self.command or self._tests.suite
        return command.shown if command else ""

    @property
    def can_choose(self) -> bool:
        """Whether tests or examples can tell one attempt from another."""
        return bool(self.shown_command) or self._examples.wait

    @property
    def speaks(self) -> bool:
        """Whether a test or an example speaks for this very step."""
        return bool(self.command or self._waiting) or self._examples.wait

    @property
    def is_asked(self) -> bool:
        """Whether the step is to turn red tests green: then a fault is looked for."""
        return self._is_asked or self._was_blank or self._is_told

    @property
    def start_rank(self) -> tuple[int, ...]:
        """The rank of the tree before the step, for comparing with attempts.

        Where what is to be written is not there, an attempt is no gain by getting a little further.
        """
        n_lines = lines_passed(self.before, self._tree)
        n_red = _n_red(self.before)
        return (0, 0, 0, -n_red, _ALL if tells_of_missing(self.before) else n_lines)

    @property
    def glanced_at(self) -> TestCommand | None:
        """The command that is red where an attempt is; None if that cannot be known of one run."""
        if self.before is None or self.before.green:
            return None
        if self.command and not self._same:
            return self.command
        return None if self._tests.is_slow else self._tests.suite

    def rank_of(self, run: TestRun) -> tuple[int, ...]:
        """Return the rank of a tree where the command that is glanced at gave this, if it is red.

        Above all others if it is not: then the command alone does not say.
        """
        if run.green:
            return (2,)
        return self._judged("red", "", run, None, self._compare(self.before, run)).rank

    @property
    def failing_examples(self) -> TestRun | None:
        """What the step's examples gave before anything was done, None if there are none."""
        return self._examples.before if self._examples.wait else None

    @property
    def failing(self) -> TestRun | None:
        """The red run that the step starts from, None if nothing red speaks of it."""
        if self.before and not self.before.green and (self.command or self._waiting):
            return self.before
        return None

    def judge(self, written: Collection[str]) -> Judged:
        """Run the tests, then the examples; `written` are the files this step wrote.

        Raises:
            ChecksError, Stopped: see `Tests.run`.
        """
        judged = self._judge_tests(written)
        examples = self._examples.run() if judged.state != "red" or judged.is_guess else None
        if examples is None or not examples.statuses:
            return judged
        before = self._examples.before
        verdict = self._tests.compare(before, examples)
        if examples.n_failed:
            first = next(iter(examples.failures.values()), "")
            return Judged(
                "red",
                f"an example does not hold: {first.splitlines()[0] if first else 'no answer'}",
                examples,
                judged.suite,
                (*judged.newly_passed, *verdict.newly_passed),
                tests_solved=judged.state == "solved",
            )
        if judged.state == "solved":
            return judged
        n = examples.n_passed
        reason = f"{n} example{'s hold' if n > 1 else ' holds'} that did not before"
        return replace(judged, state="solved", reason=reason, is_guess=False)

    def _judge_tests(self, written: Collection[str]) -> Judged:
        own = None
        if broken := self._broken_build(written):
            return broken
        if self.command and not self._same:
            own = self._tests.settled(self.command, self.before, "step")
        if own and not own.green:
            return self._red(own)
        suite = self._run_suite(written)
        if self._same and suite and not suite.green:
            return self._red(suite)
        return self._with_suite(suite if self._same else own, suite, written)

    def _broken_build(self, written: Collection[str]) -> Judged | None:
        """Judge by a suite without tests that builds what it would test.

        Red if it built before, or if what the step wrote does not build; else it says nothing.
        """
        before, suite = self._tests.baseline, self._tests.suite
        if before is None or suite is None or is_interpreted(suite):
            return None
        if self._gives_test or any(map(is_test_file, written)) or has_tests(before, self._tree):
            return None
        run = self._tests.settled(suite, before, "step")
        if run is None or not run.exit_code:
            return None
        if before.exit_code and not any(run.statuses.get(path) == "failed" for path in written):
            return None
        why = f"it does not build: {what_fails(run)}"
        return Judged("red", why, run, None, is_unbuilt=True)

    def _measure(self) -> TestRun | None:
        if self.command is None or self._same:
            return self._tests.baseline
        return self._tests.measure(self.command)

    def _run_suite(self, written: Collection[str]) -> TestRun | None:
        before = self._tests.baseline
        if before and not before.collected and not any(map(is_test_file, written)):
            return None  # it found no tests, and still would not
        if not self._same:
            return self._tests.run_suite("regression", written, self._waiting)
        suite = self._tests.run_suite("step", written)
        if suite is None and self._tests.is_slow and self.command:
            # The step names the suite as its test, and no part of it can be had.
            return self._tests.settled(self.command, self.before, "step")
        return suite

    def _red(self, own: TestRun) -> Judged:
        verdict = self._compare(self.before, own)
        why = verdict.why if verdict.newly_failed or not own.collected else what_fails(own)
        return self._judged("red", f"the step's tests are red: {why}", own, None, verdict)

    def _with_suite(
        self, own: TestRun | None, suite: TestRun | None, written: Collection[str]
    ) -> Judged:
        over_all = self._compare(self._tests.baseline, suite) if suite else None
        if suite and over_all and _is_broken(self._tests.baseline, suite, over_all):
            return self._judged("red", over_all.why, suite, suite, over_all)
        verdicts = [self._compare(self.before, own)] if own else []
        verdicts += [over_all] if over_all else []
        is_won = self._is_won({t for v in verdicts for t in v.newly_passed}, written)
        shown = own or suite
        best = next((v for v in verdicts if v.evidence), None)
        still = self._still_red(shown) if own is None and shown else []
        if still and (self._is_asked or self._wished):
            told = self._judged("red", f"{still[0]} is still red", shown, suite, over_all)
            is_wish = not self._is_asked
            return replace(told, is_wish=is_wish, is_guess=is_wish, is_won=is_won)
        if is_won and best:
            return replace(self._judged("solved", best.why, shown, suite, best), is_won=True)
        if still:
            told = self._judged("red", f"{still[0]} is still red", shown, suite, over_all)
            return replace(told, is_guess=True)
        if self._was_blank and shown and shown.green:
            return self._judged("solved", "the tests end now, and pass", shown, suite, None)
        reason = "no test turned from red to green for it" if verdicts else "no test speaks for it"
        if verdicts and any(v.newly_passed for v in verdicts):
            reason = "only tests that this step wrote itself speak for it"
        return self._judged("unverified", reason, shown, suite, None)

    def _compare(self, before: TestRun | None, after: TestRun) -> Verdict:
        return self._tests.compare(self._relocations.applied(before, after), after)

    def as_it_is_now(self, run: TestRun) -> TestRun | None:
        """Return a run without the tests whose files are deleted now, and with new ids of others.

        None if there is no other test in it.
        """
        return self._relocations.applied(run)

    def _still_red(self, shown: TestRun) -> list[str]:
        """Return the tests that are waited for and did not pass."""
        flaky = self._tests.flaky.ids
        waiting = [t for t in self._waiting if t not in flaky]
        return [t for t in waiting if not passes(t, shown, self._tree)]

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
        return Judged(
            state,
            reason,
            shown,
            suite,
            passed,
            failed,
            is_unbuilt=shown is not None and is_unbuilt(shown, self._tree),
            n_lines=lines_passed(shown, self._tree),
        )

    def _is_won(self, tests: Collection[str], written: Collection[str]) -> bool:
        """Whether one of the tests that pass now speaks for the step."""
        new = {test for test in tests if not self._was_green(test)}
        own = own_tests(new, written, (self.before, self._tests.baseline), self._tree)
        return new != own

    def _was_green(self, test: str) -> bool:
        """True for a test that the plan gave and that passed at once: the suite had it not yet."""
        return self.before is not None and self.before.statuses.get(test) == "passed"

    def _is_about_suite(self, step: Step) -> bool:
        """Whether a step asks for tests of which none is known by name: they do not end, say."""
        before = self._tests.endless[1] if self._tests.endless else self.before
        if before is None or before.green or (before.statuses and not before.timed_out):
            return False
        if not before.collected:  # the tests are somewhere else
            return False
        return bool(_test_files(step)) or speaks_of_red_tests(step.text)

    def _asked_for(self, step: Step) -> tuple[str, ...]:
        """Red tests that the step asks for: those of the files it names, or all if it says so."""
        red, named = self._red_tests(), files_in_step(self._tree, step)
        of_files = [t for t, path in files_of_tests(self._tree, red).items() if path in named]
        return tuple(of_files or (red if speaks_of_red_tests(step.text) else ()))

    def _red_tests(self) -> tuple[str, ...]:
        """The suite's red tests, where the step has no command of its own."""
        if self.command or not self.before or self.before.green:
            return ()
        return tuple(t for t, s in self.before.statuses.items() if s == "failed")

    def _waiting_for(self, step: Step) -> tuple[str, ...]:
        """Red tests of the suite that use a name which the step mentions."""
        names = identifiers(step)
        found = words_of_tests(self._red_tests(), self._tree)
        return tuple(test for test, words in found.items() if names & words)


def _n_red(run: TestRun | None) -> int:
    """Return how many tests are red; a red run that tells of none counts as more than any."""
    if run is None or (run.exit_code == 0 and not run.timed_out):
        return 0
    return run.n_failed if run.statuses else _ALL


def _test_files(step: Step) -> set[str]:
    return {path for path in step.mentions if is_test_file(path)}


def _is_given(suite: TestCommand | None) -> bool:
    return suite is not None and suite.origin == "flag"


def _is_same(command: TestCommand | None, suite: TestCommand | None) -> bool:
    if command is None or suite is None:
        return False
    return (command.argv, command.cwd) == (suite.argv, suite.cwd)


def compare_suites(tests: Tests, suite: TestRun) -> str:
    """Return which tests of the whole suite a change has broken, empty if none."""
    verdict = tests.compare(tests.baseline, suite)
    return verdict.why if _is_broken(tests.baseline, suite, verdict) else ""


def _is_broken(baseline: TestRun | None, suite: TestRun, verdict: Verdict) -> bool:
    was_cut = baseline is not None and is_cut_short(baseline)
    return bool(verdict.newly_failed) or (is_cut_short(suite) and not was_cut)
