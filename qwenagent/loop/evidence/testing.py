"""The project's tests as the loop uses them: when which of them run, and what they say."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal

from qwenagent.checks import TestRunner, Verdict, compare, is_trivial
from qwenagent.checks.judge import ending, is_cut_short, named
from qwenagent.loop.evidence.flaky import FlipFloppers, passed_in, red_tests
from qwenagent.loop.evidence.leftovers import Leftovers
from qwenagent.loop.evidence.limits import Limits
from qwenagent.loop.evidence.reach import overlaid, part_for
from qwenagent.loop.ports import Ports
from qwenagent.loop.stop import Stop
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import EventStream, TestsRan, TestsStarted, Warned
from qwenagent.workspace import Workspace

Why = Literal["baseline", "step", "regression"]


@dataclass(frozen=True, slots=True)
class Closing:
    """What the whole of a slow suite says after the last step."""

    run: TestRun
    newly_failed: tuple[str, ...]
    """Green before the first step and not any more; empty if all is well."""
    sentence: str


@dataclass(slots=True)
class Tests:
    """Runs commands and keeps the last run of the whole suite that was accepted."""

    __test__ = False

    runner: TestRunner
    events: EventStream
    stop: Stop
    tree: Workspace = field(kw_only=True)
    """Where test files are looked for, and what runs leave behind."""
    timeout_s: float = 0.0
    """The user's limit for every command; 0 takes it from what the command took before."""
    suite: TestCommand | None = None
    baseline: TestRun | None = None
    slow_s: float = 60.0
    """A suite that takes longer runs as a whole before the first and after the last step only."""
    flaky: FlipFloppers = field(init=False)
    _limits: Limits = field(init=False)
    _leftovers: Leftovers = field(init=False)
    endless: tuple[TestCommand, TestRun] | None = None
    """A suite that its limit ended before any change: it judges only who asks for it."""
    _first: TestRun | None = None
    """The baseline before the first step."""
    _tree_then: object = None
    """The tree at the last run of the whole suite."""
    _told: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.flaky = FlipFloppers(self.tree.root)
        self._limits = Limits(self.timeout_s)
        self._leftovers = Leftovers(self.tree, self.events.emit)

    @classmethod
    def for_run(cls, ports: Ports, suite: TestCommand | None) -> Tests:
        """Return the tests of a run, with a suite unless that cannot fail, which is said."""
        wanted = ports.settings.tests
        tests = cls(
            ports.runner,
            ports.events,
            ports.stop,
            wanted.timeout_s,
            tree=ports.workspace,
            slow_s=wanted.slow_s,
        )
        tests.suite = tests.useful(suite)
        return tests

    @property
    def is_slow(self) -> bool:
        """Whether the suite takes too long to run for every attempt."""
        return self.baseline is not None and self.baseline.seconds > self.slow_s

    # -- running ------------------------------------------------------------------------------

    def run(self, command: TestCommand, why: Why, like: TestCommand | None = None) -> TestRun:
        """Run a command once. It may take as long as `like`, of which it is a part.

        Raises:
            ChecksError: it cannot be run at all.
            Stopped: the run was stopped meanwhile.
        """
        limit_s = self._limits.limit_s(like or command)
        self.tell(TestsStarted(command.shown, why, limit_s))
        run = self.runner.run(command, timeout_s=limit_s)
        self.stop.check()
        self._limits.note_end(command, run)
        self.tell(TestsRan(run, why))
        is_told = run.timed_out or self._limits.is_hurried  # of time others tell
        for sentence in () if is_told else run.withheld:
            self._warn(f"`{command.shown}`: {sentence}")
        return run

    def run_aside(self, command: TestCommand, runners: Sequence[TestRunner]) -> list[TestRun]:
        """Run a command in several other trees at once. Nothing is told or run again.

        Raises:
            ChecksError, Stopped: see `run`.
        """
        limit_s = self._limits.limit_s(command)
        with ThreadPoolExecutor(len(runners)) as pool:
            runs = list(pool.map(lambda runner: runner.run(command, timeout_s=limit_s), runners))
        self.stop.check()
        for run in runs:
            self._limits.note_end(command, run)
        return runs

    def measure_baseline(self) -> None:
        """Run the suite before anything changes; a suite that does not end is not used."""
        if self.suite is None:
            return
        run = self.measure(self.suite)
        if run is None or run.timed_out:
            self._leave_out(self.suite, run)
            return
        if is_cut_short(run) or not (run.statuses or run.green):
            self._warn(f"`{run.command}` {ending(run)} before any change", _last_line(run))
        self.baseline = self._first = run
        if self.is_slow:
            self._tree_then = self._tree_now()
            self._warn(
                f"`{run.command}` took {run.seconds:.0f} s, more than tests.slow_s = "
                f"{self.slow_s:g}: steps are judged by their own tests and those that reach the "
                "changed files; the whole runs once more after the last step"
            )

    def _leave_out(self, suite: TestCommand, run: TestRun | None) -> None:
        self.suite = None
        self.endless = (suite, run) if run else None
        if run:
            self._warn(
                f"`{suite.shown}` {ending(run)} before any change, so it judges nothing in this "
                "run: steps have their own tests alone",
                "name a smaller suite with --test-cmd, or allow more with tests.timeout_s",
            )

    def measure(self, command: TestCommand) -> TestRun | None:
        """Run a command before a change; None if only flip-floppers are in it."""
        run = self._watched(command, "baseline", None)
        kept = self._without_flips(command, run, self.flaky.unconfirmed(run), "baseline", None)
        suite_s = self.baseline.seconds if self.baseline else 0.0
        # What broke off before its first test says nothing of the time that the tests take.
        self._limits.note(command, max(run.seconds, 0.0 if run.n_passed else suite_s))
        return kept

    def settled(
        self,
        command: TestCommand,
        before: TestRun | None,
        why: Why,
        like: TestCommand | None = None,
    ) -> TestRun | None:
        """Run a command after a change, and again what turned red; None if nothing in it counts."""
        run = self._watched(command, why, like)
        if self._limits.is_hurried:
            return run
        if run.timed_out:
            self._warn(
                f"`{command.shown}` {ending(run)}", "tests.timeout_s sets a limit of your own"
            )
        if run.green and not like:
            self._limits.note(command, run.seconds)
        suspects = passed_in(before, red_tests(run))
        return self._without_flips(command, run, suspects, why, like)

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Within, runs much longer than the quickest are ended, and none is told or repeated."""
        self._limits.is_hurried = True
        try:
            yield
        finally:
            self._limits.is_hurried = False

    @contextmanager
    def pressed(self) -> Iterator[None]:
        """Within, runs that take several times as long as the quickest are ended."""
        self._limits.is_pressed = True
        try:
            yield
        finally:
            self._limits.is_pressed = False

    def compare(self, before: TestRun | None, after: TestRun) -> Verdict:
        """Compare two runs, without the tests that were set aside."""
        return compare(before and self.flaky.drop(before), self.flaky.drop(after))

    def run_suite(
        self, why: Why, written: Collection[str], waiting: Collection[str] = ()
    ) -> TestRun | None:
        """Run the suite after a change; of a slow one what reaches the written files.

        The tests that were left out are taken to be as they were. None if there is no suite, if
        no test of a slow one is found to reach the files, or if only flip-floppers are in it.
        """
        if self.suite is None or self.baseline is None:
            return None
        if self.is_slow:
            return self._run_part(why, written, waiting)
        return self.settled(self.suite, self.baseline, why)

    def accept(self, suite: TestRun) -> None:
        """Have later runs of the suite compared with this one: its changes are kept."""
        self.baseline = suite

    def relocate(self, as_it_is_now: Callable[[TestRun], TestRun | None]) -> None:
        """Have earlier runs of the suite be those of the test files that there are now."""
        if self.baseline:
            self.baseline = as_it_is_now(self.baseline) or self.baseline
        if self._first:
            self._first = as_it_is_now(self._first) or self._first

    def closing_run(self) -> Closing | None:
        """Run a slow suite as a whole; None if it is not slow or nothing changed since it ran.

        Raises:
            ChecksError, Stopped: see `run`.
        """
        if not (self.suite and self._first and self.is_slow):
            return None
        tree_now = self._tree_now()
        if self._tree_then == tree_now:
            return None
        run = self.settled(self.suite, self._first, "regression")
        self._tree_then = tree_now
        if run is None:
            return None
        verdict = self.compare(self._first, run)
        lost = (run.command,) if is_cut_short(run) else verdict.newly_failed
        said = verdict.why if lost else f"{summary(run)}, none turned red"
        return Closing(run, lost, f"the whole suite after the last step: {said}")

    # -- telling ------------------------------------------------------------------------------

    def useful(self, command: TestCommand | None) -> TestCommand | None:
        """Return the command unless it cannot fail, which is said."""
        if command and is_trivial(command, self.tree.root):
            self.events.emit(
                Warned(f"`{command.shown}` cannot fail, so it is no evidence of anything")
            )
            return None
        return command

    def tell(self, event: TestsStarted | TestsRan) -> None:
        """Tell of tests, if there is no hurry."""
        if not self._limits.is_hurried:
            self.events.emit(event)

    def _warn(self, message: str, hint: str = "") -> None:
        """Say something once."""
        if message not in self._told:
            self._told.add(message)
            self.events.emit(Warned(message, hint))

    # -- within -------------------------------------------------------------------------------

    def _watched(self, command: TestCommand, why: Why, like: TestCommand | None) -> TestRun:
        before = self._leftovers.look()
        run = self.run(command, why, like)
        self._leftovers.tell_since(before, command.shown)
        return run

    def _without_flips(
        self,
        command: TestCommand,
        run: TestRun,
        suspects: Collection[str],
        why: Why,
        like: TestCommand | None,
    ) -> TestRun | None:
        """Run suspects again and set those aside that pass now; None if no other test is left."""
        flips = self.flaky.find(
            command, run, suspects, lambda again: self.run(again, why, like or command)
        )
        if flips:
            self._warn(
                f"{named(flips)} failed and then passed without any change: set aside, neither "
                "evidence nor regression in this run"
            )
        kept = self.flaky.drop(run)
        return None if run.collected and not kept.collected else kept

    def _run_part(
        self, why: Why, written: Collection[str], waiting: Collection[str]
    ) -> TestRun | None:
        assert self.suite
        assert self.baseline
        whole = self.flaky.drop(self.baseline)
        part = part_for(self.suite, whole, self.tree, written, waiting)
        if part.command is None:
            if written:
                self._tell_no_part(written, bool(part.files))
            return None
        run = self.settled(part.command, whole, why, like=self.suite)
        return overlaid(whole, run, part) if run else None

    def _tell_no_part(self, written: Collection[str], is_found: bool) -> None:
        assert self.suite
        if is_found:
            what = f"`{self.suite.shown}` cannot be told to run single test files"
        else:
            what = f"no test seems to reach {named(sorted(written))}"
        self._warn(
            f"{what}, so only the whole suite after the last step can judge that",
            "give the step a `Test:` of its own",
        )

    def _tree_now(self) -> object:
        """Return something that differs when the tree does."""
        repository = self.tree.repository
        written = [path for paths in self.tree.written() for path in paths]
        stamps = [(path, (self.tree.root / path).read_bytes()) for path in written]
        return repository.head(), repository.changes(), stamps


def summary(run: TestRun | None) -> str:
    """Return a run in a few words, for tables and commit messages."""
    if run is None:
        return ""
    if run.timed_out:
        return f"timed out after {run.seconds:.0f} s"
    if run.exit_code < 0:
        return ending(run).removeprefix("was ")
    if run.statuses:
        return f"{run.n_passed} of {run.n_passed + run.n_failed} passed"
    if not run.collected:
        return "no tests"
    return "passed" if run.green else f"exit code {run.exit_code}"


def _last_line(run: TestRun) -> str:
    """Return the last line that the command itself wrote."""
    lines = [line.strip() for line in run.output.split("\n")]
    lines = [line for line in lines if line and not line.startswith("[the command ")]
    return lines[-1][:200] if lines else ""
