"""A whole run: approvals, branch, baseline, steps in order, commits, the closing table."""

from __future__ import annotations

import hashlib
import re
import shlex
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent import __version__
from qwenagent.checks import detect, parse_command
from qwenagent.errors import ApprovalNeeded, ChecksError, QwenAgentError
from qwenagent.loop.asker import Asker
from qwenagent.loop.ports import Ports
from qwenagent.loop.step import StepResult, StepRunner
from qwenagent.loop.stop import Stopped
from qwenagent.loop.targets import find_targets
from qwenagent.loop.testing import Tests
from qwenagent.plan import Plan, Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import (
    ApprovalAsked,
    CheckpointMade,
    Finished,
    RunKind,
    RunStarted,
    StepEnded,
    StepLine,
    StepStarted,
    Warned,
)
from qwenagent.protocol.messages import Usage

INTERRUPTED = 130
STATE_FOLDER = ".qwenagent"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line decides about a run."""

    files: tuple[str, ...] = ()
    """Files to work on, besides those that the steps name."""
    branch: bool = True
    """Commit on a new branch; otherwise on the present one."""
    commit: bool = True
    """Commit each step; otherwise leave one uncommitted diff."""


class Agent:
    """Carries out a plan, or one task as a plan of one step."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._emit = ports.events.emit
        self._tree = ports.workspace
        self._repository = ports.workspace.repository
        self._asker = Asker(ports.engine, ports.events, ports.stop)
        self._usage = Usage()
        self._head = self._repository.head()
        self._origin = self._repository.branch()
        self._ref = ""

    def run(self, plan: Plan, kind: RunKind, options: RunOptions) -> int:
        """Carry out the open steps of a plan and return the exit code.

        Raises:
            ApprovalNeeded: commands have to be approved and there is nobody to ask.
            ChecksError: the baseline cannot be measured.
        """
        self._options = options
        self._plan = plan
        self._steps = [step for step in plan.steps if not step.checked]
        self._lines = [StepLine(str(s.number), s.number, s.title) for s in self._steps]
        self._start = time.monotonic()
        suite = self._suite_command()
        self._announce(kind, suite)
        try:
            if self._steps:
                self._approve(suite)
                self._work(kind, suite)
        except Stopped:
            self._close_open_lines(self._ports.stop.reason)
        except QwenAgentError as error:
            self._close_open_lines(error.message)
            self._tree.rollback()
            self._finish(error)
            raise
        finally:
            self._tree.rollback()  # of a step that did not come to its end, whatever the reason
        return self._finish()

    def _work(self, kind: RunKind, suite: TestCommand | None) -> None:
        tests = Tests(
            self._ports.runner,
            self._ports.events,
            self._ports.stop,
            self._ports.settings.tests.timeout_s,
        )
        tests.suite = tests.useful(suite)
        self._prepare(kind)
        tests.measure_baseline()
        self._all_steps(StepRunner(self._ports, tests, self._asker, self._plan.preamble))

    # -- before the first step ----------------------------------------------------------------

    def _suite_command(self) -> TestCommand | None:
        if given := self._ports.settings.tests.command:
            return parse_command(given, "flag")
        if self._plan.test:
            return parse_command(self._plan.test, "plan")
        return detect(self._tree.root)

    def _announce(self, kind: RunKind, suite: TestCommand | None) -> None:
        self._emit(
            RunStarted(
                kind=kind,
                title=self._plan.title,
                repository=str(self._tree.root),
                branch=self._repository.branch(),
                engine=self._ports.engine.describe(),
                steps=tuple(self._lines),
                test_command=suite.shown if suite else "",
                seed=self._ports.settings.loop.seed,
                version=__version__,
            )
        )
        if gpu := self._ports.engine.describe().gpu_idle:
            self._emit(
                Warned(
                    f"the {gpu} sits idle: this build of llama.cpp uses the CPU only",
                    "`qwenagent doctor` prints the line that installs another one",
                )
            )
        for warning in self._plan.warnings:
            self._emit(Warned(warning))
        if ticked := len(self._plan.steps) - len(self._steps):
            self._emit(Warned(f"{ticked} step(s) are ticked in the plan and left out"))

    def _approve(self, suite: TestCommand | None) -> None:
        """Have every command that the user did not type approved, all at once."""
        items = [step.test for step in self._steps if step.test]
        if suite and suite.origin != "flag":
            items.insert(0, suite.shown)
        if not items:
            return
        unique = tuple(dict.fromkeys(items))
        text = "\0".join([str(self._tree.root), *unique])
        asked = ApprovalAsked(
            kind="commands",
            question="May these commands run in this repository?",
            items=unique,
            digest=hashlib.sha256(text.encode()).hexdigest(),
        )
        self._emit(asked)
        answer = self._ports.approver.ask(asked)
        self._emit(answer)
        if not answer.granted:
            raise ApprovalNeeded(
                f"{len(unique)} test command(s) were not approved: {'; '.join(unique)}",
                hint="read them, then answer yes in a terminal, or pass --yes",
            )

    def _prepare(self, kind: RunKind) -> None:
        """Make the point to return to: a branch of its own, or a snapshot of the tree."""
        if kind == "plan" and self._options.branch and self._options.commit:
            stem = re.sub(r"[^a-z0-9]+", "-", Path(self._plan.path).stem.lower()).strip("-")
            name = self._repository.start_branch(f"qwenagent-{stem or 'plan'}")
            self._emit(CheckpointMade("commit", self._head[:12], f"branch {name} starts here"))
        elif not self._options.commit or kind == "task":
            self._ref = f"refs/qwenagent/{self._ports.events.run}"
            self._repository.snapshot(self._ref, f"before: {self._plan.title}")
            self._emit(CheckpointMade("snapshot", self._ref, "the tree as it was"))

    # -- the steps ----------------------------------------------------------------------------

    def _all_steps(self, runner: StepRunner) -> None:
        for index, step in enumerate(self._steps):
            self._ports.stop.check()
            self._ports.events.step = str(step.number)
            self._emit(StepStarted(step.number, len(self._plan.steps), step.title))
            self._asker.new_step()
            start = time.monotonic()
            line = self._lines[index]
            try:
                needs = self._needs(step)
                if needs:
                    line = replace(line, state="skipped", reason=needs)
                else:
                    line = self._one_step(runner, step, line)
            except Stopped:
                line = replace(line, state="blocked", reason=self._ports.stop.reason)
                raise
            finally:
                self._lines[index] = replace(line, seconds=time.monotonic() - start)
                self._usage += self._asker.usage
                if self._lines[index].state != "pending":
                    self._emit(StepEnded(self._lines[index], self._asker.usage))
                self._ports.events.step = ""

    def _needs(self, step: Step) -> str:
        """Return why a step cannot be done because another one was not, empty if it can."""
        bad = {
            other.number: other
            for other, line in zip(self._steps, self._lines, strict=True)
            if line.state in ("blocked", "skipped")
        }
        for number in step.depends_on:
            if number in bad:
                return f"it depends on step {number}, which is not done"
        named = {*step.files, *step.mentions}
        for number, other in bad.items():
            for path in find_targets(other, self._tree).create:
                if path in named:
                    return f"it needs {path}, which step {number} was to create"
        return ""

    def _one_step(self, runner: StepRunner, step: Step, line: StepLine) -> StepLine:
        if step.test_code:
            self._emit(Warned("a test given as code is shown to the model, but not written yet"))
        try:
            command = parse_command(step.test, "step") if step.test else None
        except ChecksError as error:
            return replace(line, state="blocked", reason=error.message)
        result = runner.run(step, self._useful(command), self._options.files)
        line = replace(
            line,
            state=result.state,
            reason=result.reason,
            tests_before=result.tests_before,
            tests_after=result.tests_after,
        )
        if result.state == "blocked":
            return replace(line, patch=self._save_patch(step, result.patch))
        commit = self._commit(step, result) if self._options.commit else ""
        self._tree.settle()
        return replace(line, commit=commit)

    def _useful(self, command: TestCommand | None) -> TestCommand | None:
        return Tests(self._ports.runner, self._ports.events, self._ports.stop, 0).useful(command)

    def _commit(self, step: Step, result: StepResult) -> str:
        if not result.changed:
            return ""
        body = [result.reason]
        if result.tests_after:
            body.append(f"Tests: {result.tests_before or 'none'} -> {result.tests_after}")
        trailers = [
            f"Qwenagent-Step: {step.number}/{len(self._plan.steps)} {step.digest[:12]}",
            f"Qwenagent-Result: {result.state}",
        ]
        message = "\n\n".join([step.title, "\n".join(body), "\n".join(trailers)])
        commit = self._repository.commit(result.changed, message)
        self._emit(CheckpointMade("commit", commit[:12], step.title))
        return commit

    def _save_patch(self, step: Step, patch: str) -> str:
        if not patch:
            return ""
        folder = self._tree.root / STATE_FOLDER
        folder.mkdir(exist_ok=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
        path = folder / f"step-{step.number}.patch"
        path.write_text(patch, encoding="utf-8")
        return path.relative_to(self._tree.root).as_posix()

    # -- after the last step ------------------------------------------------------------------

    def _close_open_lines(self, reason: str) -> None:
        self._lines = [
            replace(line, state="skipped", reason=reason) if line.state == "pending" else line
            for line in self._lines
        ]

    def _finish(self, error: QwenAgentError | None = None) -> int:
        stop = self._ports.stop
        if error:
            code, reason = error.exit_code, error.message
        elif stop.interrupted:
            code, reason = INTERRUPTED, "interrupted"
        elif any(line.state in ("blocked", "skipped") for line in self._lines):
            code, reason = 1, stop.reason or "not every step was done"
        else:
            code, reason = 0, "every step was done"
        self._emit(
            Finished(
                exit_code=code,
                reason=reason,
                steps=tuple(self._lines),
                usage=self._usage,
                seconds=time.monotonic() - self._start,
                branch=self._repository.branch(),
                diff=self._tree.patch(whole_run=True),
                next_commands=tuple(self._next_commands()),
            )
        )
        return code

    def _next_commands(self) -> Sequence[str]:
        branch, back = self._repository.branch(), self._origin
        switch = "switch --detach" if self._head.startswith(back) else "switch"
        if any(line.commit for line in self._lines):
            if branch == back:
                return [f"git reset --keep {self._head[:12]}  # discard the commits"]
            return [
                f"git {switch} {back} && git merge {branch}  # take all commits",
                f"git {switch} {back} && git merge --squash {branch}  # take them as one change",
                f"git {switch} {back} && git branch -D {branch}  # discard them",
            ]
        changed, created = self._tree.written()
        undo = [f"rm {shlex.join(created)}"] if created else []
        if changed:
            undo.insert(0, f"git restore --source={self._ref} -- {shlex.join(changed)}")
        return [f"{' && '.join(undo)}  # take it back"] if undo and self._ref else []
