"""One plan of a run: its branch, its baseline, its steps in order, a commit for each."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qwenagent.checks import detect, parse_command
from qwenagent.errors import ChecksError
from qwenagent.loop.asker import Asker
from qwenagent.loop.board import Board
from qwenagent.loop.closing import WayBack, after_commits, after_edits, commit_message
from qwenagent.loop.commands import CommandRunner
from qwenagent.loop.given import GivenFile
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import Resume
from qwenagent.loop.step import StepResult, StepRunner
from qwenagent.loop.stop import Stopped
from qwenagent.loop.targets import find_targets
from qwenagent.loop.testing import Tests, summary
from qwenagent.plan import Plan, Step, parse_plan, ticked
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import (
    CheckpointMade,
    RunKind,
    StepEnded,
    StepLine,
    StepStarted,
    Warned,
)
from qwenagent.protocol.messages import Usage
from qwenagent.statefolder import state_folder


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What the command line decides about a run."""

    files: tuple[str, ...] = ()
    """Files to work on, besides those that the steps name."""
    branch: bool = True
    """Commit on a new branch; otherwise on the present one."""
    commit: bool = True
    """Commit each step; otherwise leave one uncommitted diff."""
    strict: bool = False
    """Count a step as not done where no test speaks for it."""
    stop_on_block: bool = False
    """End the run at the first blocked step."""
    tick: bool = False
    """Tick the boxes of the done steps in the plan's file."""
    restart: bool = False
    """Forget what earlier runs of the plan have done."""


class PlanRun:
    """Carries out one plan."""

    def __init__(
        self,
        ports: Ports,
        plan: Plan,
        kind: RunKind,
        options: RunOptions,
        board: Board,
        prefix: str = "",
    ) -> None:
        """`prefix` is put before the numbers of its steps where there are several plans."""
        self._ports = ports
        self._emit = ports.events.emit
        self._tree = ports.workspace
        self._repository = ports.workspace.repository
        self._options = options
        self._board = board
        self._prefix = prefix
        self.plan = plan
        self._kind = kind
        self.suite = self._suite_command()
        self.usage = Usage()
        self.broken = ""
        """What the whole of a slow suite says after the last step, if that is bad."""
        self.open_steps = self._open_steps()
        self._back = self._way_back()

    # -- before the first step ----------------------------------------------------------------

    def _suite_command(self) -> TestCommand | None:
        if given := self._ports.settings.tests.command:
            return parse_command(given, "flag")
        if self.plan.test:
            return parse_command(self.plan.test, "plan")
        return detect(self._tree.root)

    def _open_steps(self) -> list[Step]:
        """Put a line on the board for every step that is not ticked; return those to be done."""
        self._resume = self._earlier_work()
        todo = []
        for step in self.plan.steps:
            if step.checked:
                continue
            plan = self.plan.path if self._prefix else ""
            line = StepLine(self._id(step), step.number, step.title, plan=plan)
            if self._resume:
                line = self._resume.earlier_line(line)
            self._board.put(line)
            if not line.earlier:
                todo.append(step)
        return todo

    def _earlier_work(self) -> Resume | None:
        if self._kind != "plan":
            return None
        here = not (self._options.branch and self._options.commit)
        return Resume(self._repository, self.plan, here=here, restart=self._options.restart)

    @property
    def ids(self) -> list[str]:
        """The ids of this plan's lines on the board."""
        return [self._id(step) for step in self.open_steps]

    @property
    def is_blocked(self) -> bool:
        """Whether a step of this plan is blocked."""
        return any(self._board[line_id].state == "blocked" for line_id in self.ids)

    def _way_back(self) -> WayBack:
        """Return where the first run of the plan began, if this one goes on with its work."""
        earlier = self._resume.progress if self._resume and self._resume.is_continued else None
        if earlier and earlier.start and self._repository.has_branch(earlier.origin):
            return WayBack(earlier.origin, earlier.start)
        return WayBack(self._repository.branch(), self._repository.head())

    def _id(self, step: Step) -> str:
        return f"{self._prefix}{step.number}"

    def warnings(self) -> list[Warned]:
        """Return what the user should know before the plan begins."""
        found = [Warned(warning) for warning in self.plan.warnings]
        if n_ticked := sum(step.checked for step in self.plan.steps):
            found.append(Warned(f"{n_ticked} step(s) are ticked in the plan and left out"))
        resume = self._resume
        if resume and resume.done:
            where = f", on branch {resume.branch}" if resume.branch else ""
            found.append(
                Warned(
                    f"{len(resume.done)} step(s) were done by an earlier run; it goes on{where}",
                    "--restart does them again",
                )
            )
        if resume and resume.lost:
            found.append(
                Warned(
                    f"{resume.lost} step(s) were done once, but their changes are not here any "
                    "more; they are done again"
                )
            )
        return found

    def _prepare(self) -> None:
        """Make the point to return to: a branch of its own, or a snapshot of the tree."""
        if self._resume and self._resume.branch:
            self._repository.switch(self._resume.branch)
            message = f"goes on on branch {self._resume.branch}"
            self._emit(CheckpointMade("commit", self._repository.head()[:12], message))
        elif self._kind == "plan" and self._options.branch and self._options.commit:
            if not (self._resume and self._resume.is_continued):
                self._new_branch()
        elif not self._options.commit or self._kind == "task":
            ref = f"refs/qwenagent/{self._ports.events.run}"
            self._back = replace(self._back, ref=ref)
            self._repository.snapshot(ref, f"before: {self.plan.title}")
            self._emit(CheckpointMade("snapshot", ref, "the tree as it was"))
        if self._resume:
            self._keep_beginning()

    def _keep_beginning(self) -> None:
        assert self._resume is not None
        try:
            self._resume.begin(self._repository.branch(), self._back.origin, self._back.head)
        except OSError as error:
            self._emit(Warned(f"the plan's progress cannot be kept: {error}"))

    def _new_branch(self) -> None:
        stem = re.sub(r"[^a-z0-9]+", "-", Path(self.plan.path).stem.lower()).strip("-")
        name = self._repository.start_branch(f"qwenagent-{stem or 'plan'}")
        self._emit(CheckpointMade("commit", self._back.head[:12], f"branch {name} starts here"))

    # -- the steps ----------------------------------------------------------------------------

    def carry_out(self, asker: Asker) -> None:
        """Do the open steps.

        Raises:
            Stopped: the user or a limit ended the run.
            ChecksError: the baseline cannot be measured.
        """
        self._tests = Tests.for_run(self._ports, self.suite)
        self._prepare()
        self._tests.measure_baseline()
        self._runner = StepRunner(self._ports, self._tests, asker, self.plan.preamble)
        self._commands = CommandRunner(self._ports, self._tests)
        for step in self.open_steps:
            self._ports.stop.check()
            self._one(step, asker)
            if self._options.stop_on_block and self.is_blocked:
                self._board.skip_open(f"step {step.number} is blocked (--stop-on-block)", self.ids)
                break
        closing = self._tests.closing_run()
        if closing and closing.newly_failed:
            self.broken = closing.sentence
            self._emit(Warned(closing.sentence, "the commits of this run are to be looked at"))

    def _one(self, step: Step, asker: Asker) -> None:
        """Do one step and tell how it ended, also if it is cut short."""
        line = self._board[self._id(step)]
        self._ports.events.step = line.id
        self._emit(StepStarted(step.number, len(self.plan.steps), step.title))
        asker.new_step()
        start = time.monotonic()
        try:
            line = self._ended(step, line)
        except Stopped:
            line = replace(line, state="blocked", reason=self._ports.stop.reason)
            raise
        finally:
            line = replace(line, seconds=time.monotonic() - start)
            self._board.put(line)
            self.usage += asker.usage
            if line.state != "pending":
                self._emit(StepEnded(line, asker.usage))
            self._ports.events.step = ""

    def _ended(self, step: Step, line: StepLine) -> StepLine:
        if needs := self._needs(step):
            return replace(line, state="skipped", reason=needs)
        if step.kind == "you":
            return replace(line, state="for_you", reason="left to you: tick it when it is done")
        result = self._commands.run(step) if step.kind == "command" else self._edited(step)
        line = replace(
            line,
            state=result.state,
            reason=result.reason,
            tests_before=result.tests_before,
            tests_after=result.tests_after,
        )
        if result.state == "blocked":
            return replace(line, patch=self._save_patch(step, result.patch))
        self._tick(step)
        line = replace(line, commit=self._commit(step, result))
        self._tree.settle()
        self._note(line)
        return line

    def _needs(self, step: Step) -> str:
        """Return why a step cannot be done because another one was not, empty if it can."""
        bad: dict[int, Step] = {}
        for other in self.open_steps:
            state = self._board[self._id(other)].state
            if state in ("blocked", "skipped"):
                bad[other.number] = other
            elif state == "for_you" and other.number in step.depends_on:
                return f"it depends on step {other.number}, which is left to you: tick it first"
        for number in step.depends_on:
            if number in bad:
                return f"it depends on step {number}, which is not done"
        named = {*step.files, *step.mentions}
        for number, other in bad.items():
            for path in find_targets(other, self._tree).create:
                if path in named:
                    return f"it needs {path}, which step {number} was to create"
        return ""

    def _edited(self, step: Step) -> StepResult:
        try:
            command = parse_command(step.test, "step") if step.test else None
            given = GivenFile.of(step, self._tests.suite, self._tree)
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if given is None:
            return self._runner.run(step, self._tests.useful(command), self._options.files)
        return self._with_given(step, given, command)

    def _with_given(self, step: Step, given: GivenFile, command: TestCommand | None) -> StepResult:
        """Write the step's own test, do the step, and take the test away if that fails."""
        kept = False
        try:
            if refused := given.write(self._ports.events):
                return StepResult("blocked", refused)
            rest = given.step_without(step)
            command = self._tests.useful(command) or given.command
            if step.files and not rest.files and not rest.mentions:
                result = self._only_test(command)
            else:
                result = self._runner.run(rest, command, self._options.files, given.path)
            kept = result.state != "blocked"
            return replace(result, changed=(given.path, *result.changed)) if kept else result
        finally:
            if not kept:
                self._tree.rollback()
                given.take_back()

    def _only_test(self, command: TestCommand) -> StepResult:
        """End a step whose only work is the test that it gives: it is written now."""
        run = self._tests.measure(command)
        colour = "green" if run and run.green else "red"
        reason = f"the test is written, and {colour} before anything else is done"
        return StepResult("unverified", reason, tests_after=summary(run))

    # -- keeping what was done ----------------------------------------------------------------

    def _commit(self, step: Step, result: StepResult) -> str:
        if not result.changed or not self._options.commit:
            return ""
        message = commit_message(step, len(self.plan.steps), result)
        commit = self._repository.commit(result.changed, message)
        self._emit(CheckpointMade("commit", commit[:12], step.title))
        return commit

    def _note(self, line: StepLine) -> None:
        if self._resume is None:
            return
        changed, created = self._tree.written()
        written = [] if self._options.commit else [*changed, *created]
        try:
            self._resume.note(line, written)
        except OSError as error:
            self._emit(Warned(f"the plan's progress cannot be kept: {error}"))

    def _tick(self, step: Step) -> None:
        """Tick the step's box in the plan's file, which may have changed since it was read."""
        if not self._options.tick:
            return
        path = Path(self.plan.path)
        try:
            data = path.read_bytes()
            now = parse_plan(data.decode("utf-8-sig"), str(path))
            lines = [s.line for s in now.steps if s.digest == step.digest and not s.checked]
            fresh = ticked(data, lines[:1])
            if fresh != data:
                path.write_bytes(fresh)
        except (OSError, ValueError) as error:
            self._emit(Warned(f"step {step.number} cannot be ticked in {path}: {error}"))

    def _save_patch(self, step: Step, patch: str) -> str:
        if not patch:
            return ""
        try:
            path = state_folder(self._tree.root) / f"step-{self._id(step)}.patch"
            path.write_text(patch, encoding="utf-8", errors="surrogateescape")
        except OSError as error:
            self._emit(Warned(f"the best attempt cannot be kept: {error}"))
            return ""
        return path.relative_to(self._tree.root).as_posix()

    # -- after the last step ------------------------------------------------------------------

    def next_commands(self) -> Sequence[str]:
        """Return what the user may type now."""
        if any(self._board[self._id(step)].commit for step in self.plan.steps if not step.checked):
            return after_commits(self._back, self._repository.branch())
        return after_edits(self._back, *self._tree.written())
