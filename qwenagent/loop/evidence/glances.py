"""Tests of files that are not in the tree, each in a mounted copy of its own, side by side.

A glance is the one run that says of most attempts that they are no gain. What it likes is not
judged by it: that is done in the tree itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

from qwenagent.checks import TestRunner
from qwenagent.engine import default_threads
from qwenagent.errors import ChecksError
from qwenagent.loop.evidence.judging import Judge
from qwenagent.loop.evidence.limits import is_interpreted
from qwenagent.loop.evidence.testing import Tests
from qwenagent.loop.ports import Ports
from qwenagent.protocol.checks import TestRun
from qwenagent.sandbox import Candidate
from qwenagent.workspace import PreImage

MOST_AT_ONCE = 8
"""Each of them may need as much memory as the tests do."""


class Glances:
    """The glances of one step."""

    def __init__(self, ports: Ports, tests: Tests, judge: Judge) -> None:
        """Whether there can be any is known now: they need overlays, and tests that build nothing.

        The copy of a tree that has to be built would be built as a whole.
        """
        self._tests = tests
        self._tree = ports.workspace
        self._runner = ports.runner
        self._command = judge.glanced_at
        self.n_at_once = 1
        """At 1 there are none: a run in the tree is as quick."""
        if self._command and is_interpreted(self._command) and ports.runner.box.sandbox.overlays:
            self.n_at_once = min(default_threads(), MOST_AT_ONCE)

    def runs(self, states: Sequence[Mapping[str, PreImage]]) -> list[TestRun | None]:
        """Run the tests once for each state of the files, given as what `Workspace.state` returns.

        The tree must not change meanwhile. None for each where there is no room for copies.

        Raises:
            Stopped: the run was stopped meanwhile.
        """
        if not states or not self._command:
            return []
        try:
            with ExitStack() as stack:
                runners = [self._runner_of(state, stack) for state in states]
                return [*self._tests.run_aside(self._command, runners)]
        except (OSError, ChecksError):
            self.n_at_once = 1
            return [None] * len(states)

    def _runner_of(self, state: Mapping[str, PreImage], stack: ExitStack) -> TestRunner:
        root = self._tree.root
        candidate = stack.enter_context(Candidate.of(root, self._runner.box.sandbox))
        for path, image in state.items():
            if image.data is None:
                candidate.delete(path)
            else:
                candidate.write(path, image.data)
        return self._runner.within(candidate)
