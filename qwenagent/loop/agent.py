"""A whole run: one or more plans, approved at once, carried out in order, one closing report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from qwenagent import __version__
from qwenagent.errors import ChecksError, QwenAgentError
from qwenagent.loop.approving import Approvals, Wanted
from qwenagent.loop.board import Board
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.house import House
from qwenagent.loop.options import RunOptions
from qwenagent.loop.planrun import PlanRun
from qwenagent.loop.ports import Ports
from qwenagent.loop.stop import Stopped
from qwenagent.plan import Plan
from qwenagent.protocol.events import Finished, PlanStarted, RunKind, RunStarted, Warned
from qwenagent.protocol.messages import Usage
from qwenagent.workspace import tree_lock

INTERRUPTED = 130


class Agent:
    """Carries out plans, or one task as a plan of one step."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._emit = ports.events.emit
        self._tree = ports.workspace

    def run(self, plans: Sequence[Plan], kind: RunKind, options: RunOptions) -> int:
        """Carry out the open steps of the plans, one plan after the other; return the exit code.

        Raises:
            ApprovalNeeded: commands have to be approved and there is nobody to ask.
            ChecksError: a baseline cannot be measured.
            TreeBusy: another agent works on this tree.
        """
        repository = self._tree.repository
        self._tree.meanwhile.tell = lambda message, hint: self._emit(Warned(message, hint))
        with tree_lock(repository.private_folder(), " + ".join(plan.title for plan in plans)):
            return self._run(plans, kind, options)

    def _run(self, plans: Sequence[Plan], kind: RunKind, options: RunOptions) -> int:
        self._start = time.monotonic()
        self._options = options
        self._board = Board()
        several = len(plans) > 1
        self._runs = [
            PlanRun(self._ports, plan, kind, options, self._board, f"{n}." if several else "")
            for n, plan in enumerate(plans, 1)
        ]
        self._announce(kind)
        try:
            self._approve()
            self._work()
        except Stopped:
            self._board.skip_open(self._ports.stop.reason)
        except QwenAgentError as error:
            self._board.skip_open(error.message)
            self._tree.abandon()
            self._finish(error)
            raise
        finally:
            self._tree.abandon()  # of a step that did not come to its end, whatever the reason
        return self._finish()

    def _announce(self, kind: RunKind) -> None:
        first = self._runs[0]
        engine = self._ports.engine.describe()
        self._emit(
            RunStarted(
                kind=kind,
                title=" + ".join(run.plan.title for run in self._runs),
                repository=str(self._tree.root),
                branch=self._tree.repository.branch(),
                engine=engine,
                steps=self._board.lines,
                test_command=first.suite.shown if first.suite else "",
                seed=self._ports.settings.loop.seed,
                version=__version__,
                sandbox=self._ports.runner.box.told,
            )
        )
        if engine.gpu_idle:
            self._emit(
                Warned(
                    f"the {engine.gpu_idle} sits idle: this build of llama.cpp uses the CPU only",
                    "`qwenagent doctor` prints the line that installs another one",
                )
            )
        if len(self._runs) == 1:
            self._warn(first)

    def _warn(self, run: PlanRun) -> None:
        for warning in run.warnings():
            self._emit(warning)

    def _approve(self) -> None:
        approvals = Approvals(self._tree.root, self._ports.events, self._ports.approver)
        working = [run for run in self._runs if run.open_steps]
        wanted = [Wanted(run.plan, run.suite, run.open_steps) for run in working]
        for run, granted in zip(working, approvals.require(wanted), strict=True):
            run.suite = granted.suite
        self._house = House(self._ports)
        if any(run.has_edits for run in working):
            self._house.ask()

    def _work(self) -> None:
        ports = self._ports
        asker = ports.asker(ports.engine, ports.events, ports.stop)
        for number, run in enumerate(self._runs, 1):
            if len(self._runs) > 1:
                suite = run.suite.shown if run.suite else ""
                name = Path(run.plan.path).name
                total = len(self._runs)
                self._emit(PlanStarted(name, run.plan.title, number, total, suite))
                self._warn(run)
            self._carry_out(run, asker)
            if self._options.stop_on_block and run.is_blocked:
                self._board.skip_open(f"a step of {run.plan.path} is blocked (--stop-on-block)")
                break

    def _carry_out(self, run: PlanRun, asker: Asker) -> None:
        """Do one plan; in a queue a plan whose tests cannot be run does not end the others."""
        try:
            run.carry_out(asker, self._house)
        except ChecksError as error:
            if len(self._runs) == 1:
                raise
            self._tree.abandon()
            self._emit(Warned(f"{run.plan.path}: {error.message}", error.hint))
            self._board.skip_open(error.message, run.ids)
            run.is_given_up = True

    def _finish(self, error: QwenAgentError | None = None) -> int:
        self._tree.prune()
        code, reason = self._ending(error)
        usage = sum((run.usage for run in self._runs), Usage())
        self._emit(
            Finished(
                exit_code=code,
                reason=reason,
                steps=self._board.lines,
                usage=usage,
                seconds=time.monotonic() - self._start,
                branch=self._tree.repository.branch(),
                diff=self._tree.patch(whole_run=True),
                next_commands=tuple(self._next_commands()),
            )
        )
        return code

    def _ending(self, error: QwenAgentError | None) -> tuple[int, str]:
        """Return exit code and reason."""
        stop = self._ports.stop
        states = [line.state for line in self._board.lines]
        if error:
            return error.exit_code, error.message
        if stop.interrupted:
            return INTERRUPTED, "interrupted"
        is_cut_short = bool(stop.reason) and "skipped" in states
        if "blocked" in states or is_cut_short or any(run.is_given_up for run in self._runs):
            return 1, stop.reason or "not every step was done"
        if broken := [run.broken for run in self._runs if run.broken]:
            return 1, broken[0]
        if self._options.strict and "unverified" in states:
            n = states.count("unverified")
            return 1, f"no test speaks for {n} step(s) (--strict)"
        if n_yours := states.count("for_you"):
            n_waiting = states.count("skipped")
            waiting = f" and {n_waiting} that wait for that" if n_waiting else ""
            return 0, f"every step was done but {n_yours} that is left to you{waiting}"
        return 0, "every step was done"

    def _next_commands(self) -> list[str]:
        found = [command for run in self._runs for command in run.next_commands()]
        return list(dict.fromkeys(found))
