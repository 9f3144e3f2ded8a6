"""The literal examples of a step as a check: those that do not hold before must hold after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from qwenagent.checks.examples import SHOWN, example_check, places
from qwenagent.errors import ChecksError
from qwenagent.loop.evidence.testing import Tests, Why
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import TestsRan, TestsStarted
from qwenagent.workspace import Workspace

TIMEOUT_S = 60.0


class Examples:
    """Made before the step changes anything. Examples that hold already prove nothing."""

    def __init__(self, step: Step, wanted: Sequence[str], tests: Tests, tree: Workspace) -> None:
        self._wanted = wanted
        self._tests = tests
        self._tree = tree
        self._examples = step.examples
        self.before = self._run("baseline")
        red = self.before.failures if self.before else {}
        self._examples = tuple(e for e in step.examples if e.text in red)

    @property
    def wait(self) -> bool:
        """Whether there are examples that did not hold before."""
        return bool(self._examples)

    def run(self) -> TestRun | None:
        """Evaluate those that did not hold before; None if there are none."""
        return self._run("step")

    def _run(self, why: Why) -> TestRun | None:
        if not self._examples:
            return None
        files, read = self._tree.files(), self._tree.text
        where = places(self._examples, self._wanted, files, read)
        self._tests.tell(TestsStarted(SHOWN, why, TIMEOUT_S))
        try:
            run = example_check(
                self._examples,
                where,
                self._tests.runner,
                self._tree.root,
                timeout_s=TIMEOUT_S,
                cancel=self._tests.stop,
            )
        except ChecksError as error:
            run = TestRun(SHOWN, 0, 0.0, error.message, collected=False)
        self._tests.stop.check()
        run = run or TestRun(SHOWN, 0, 0.0, "no example of the step can be run", collected=False)
        self._tests.tell(TestsRan(replace(run, command=SHOWN), why))
        return run
