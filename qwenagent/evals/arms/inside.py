"""The agent in this process with another way of putting its questions, to be compared with."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from qwenagent.checks import TestRunner
from qwenagent.config import Settings
from qwenagent.engine import Engine
from qwenagent.errors import QwenAgentError
from qwenagent.evals.arms.arm import Attempt, Effort
from qwenagent.evals.arms.command import effort_in
from qwenagent.evals.deadline import Deadline
from qwenagent.evals.grading import BoxOf
from qwenagent.loop import Agent, Asker, Ports, RunOptions, Stop
from qwenagent.plan import read_plan, task_plan
from qwenagent.protocol.events import EventStream
from qwenagent.registry import Card
from qwenagent.ui import FlagApprover, MetricsSink
from qwenagent.workspace import Repository, Workspace


@dataclass(frozen=True, slots=True)
class InsideArm:
    """Implements `Arm`; the engine is made anew for every try."""

    make_engine: Callable[[], Engine]
    card: Card
    settings: Settings
    environ: Mapping[str, str]
    box_of: BoxOf
    asker: type[Asker]
    name: str

    def attempt(self, attempt: Attempt) -> Effort:
        """See `Arm.attempt`."""
        metrics = attempt.scratch / "metrics.json"
        start, note = time.monotonic(), ""
        engine = self.make_engine()
        stop = _Stop(attempt)
        try:
            with MetricsSink(metrics) as sink:
                code = self._run(attempt, engine, sink, stop)
        except QwenAgentError as error:
            code, note = error.exit_code, error.message
        finally:
            engine.close()
        effort = effort_in(metrics)
        seconds = round(time.monotonic() - start, 2)
        late = stop.is_late
        return replace(effort, seconds=seconds, exit_code=code, late=late, note=note)

    def _run(self, attempt: Attempt, engine: Engine, sink: MetricsSink, stop: _Stop) -> int:
        box = self.box_of(attempt.repository)
        repository = Repository.open(attempt.repository)
        tests = replace(self.settings.tests, command=attempt.test_command)
        ports = Ports(
            engine=engine,
            workspace=Workspace(repository),
            runner=TestRunner(repository.root, self.environ, stop, box),
            events=EventStream("inside", (sink,)),
            approver=FlagApprover(),
            profile=self.card.profile,
            sampling=self.card.sampling,
            settings=replace(self.settings, tests=tests),
            stop=stop,
            asker=self.asker,
        )
        try:
            if attempt.task.kind == "plan" and attempt.number == 1:
                plan = read_plan(repository.root / "plan.md")
                return Agent(ports).run([plan], "plan", RunOptions())
            options = RunOptions(files=attempt.task.files, branch=False, commit=False)
            return Agent(ports).run([task_plan(attempt.prompt)], "task", options)
        finally:
            repository.close()


class _Stop(Stop):
    """Ends the run at the time limit, or where the eval is stopped."""

    def __init__(self, attempt: Attempt) -> None:
        super().__init__(attempt.time_limit_s)
        self._deadline_of_try = Deadline(attempt.time_limit_s, attempt.cancel)
        self._cancel = attempt.cancel

    @property
    def is_late(self) -> bool:
        """True once the time limit has passed."""
        return self._deadline_of_try.is_over

    def is_set(self) -> bool:
        """See `Stop.is_set`."""
        if self._cancel.is_set():
            self.set("interrupted")
        return super().is_set()
