"""One plan of a run: its baseline, its steps in order, each kept or taken back."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from qwenagent.checks import detect, explain_none, parse_command
from qwenagent.errors import ChecksError, EngineError
from qwenagent.loop.beginning import Beginning
from qwenagent.loop.board import Board
from qwenagent.loop.closing import after_commits, after_edits
from qwenagent.loop.commands import CommandRunner
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.editing.context import Background
from qwenagent.loop.editing.houserules import RULES_TOKENS, read_rules
from qwenagent.loop.editing.repomap import repository_map
from qwenagent.loop.evidence.testing import Tests, summary
from qwenagent.loop.given import GivenFile
from qwenagent.loop.house import House
from qwenagent.loop.keeping import Keeping
from qwenagent.loop.needs import unmet_need
from qwenagent.loop.options import RunOptions
from qwenagent.loop.ports import Ports
from qwenagent.loop.resume import Resume
from qwenagent.loop.step import StepResult, StepRunner
from qwenagent.loop.stop import Stopped
from qwenagent.plan import Plan, Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import RunKind, StepEnded, StepLine, StepStarted, StepState, Warned
from qwenagent.protocol.messages import Usage

HINT = "--write-tests has the model write one first, which guides it and proves nothing"


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
        self.is_given_up = False
        """Whether its tests could not be run, in a queue that went on."""
        self.broken = ""
        """What the whole of a slow suite says after the last step, if that is bad."""
        self.open_steps = self._open_steps()
        self._beginning = Beginning(ports, plan, options, self._resume)
        self._keeping = Keeping(ports, plan, options, self._resume)

    # -- before the first step ----------------------------------------------------------------

    def _suite_command(self) -> TestCommand | None:
        if given := self._ports.settings.tests.command:
            return replace(parse_command(given, "flag"), cwd=self._options.folder)
        if self.plan.test:
            return parse_command(self.plan.test, "plan")
        if proposed := self._ports.settings.tests.suggested:
            return parse_command(proposed, "repository")
        root = self._tree.root
        return detect(root, root / self._options.folder, self._tree.files())

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
    def has_edits(self) -> bool:
        """Whether the model is to write something."""
        return any(step.kind == "edit" for step in self.open_steps)

    @property
    def is_blocked(self) -> bool:
        """Whether a step of this plan is blocked."""
        return any(self._board[line_id].state == "blocked" for line_id in self.ids)

    def _id(self, step: Step) -> str:
        return f"{self._prefix}{step.number}"

    def warnings(self) -> list[Warned]:
        """Return what the user should know before the plan begins."""
        found = [Warned(warning) for warning in self.plan.warnings]
        if n_ticked := sum(step.checked for step in self.plan.steps):
            found.append(Warned(f"{n_ticked} step(s) are ticked in the plan and left out"))
        if self.suite is None and not any(step.test for step in self.open_steps):
            root = self._tree.root
            why = explain_none(root, root / self._options.folder, self._tree.files())
            hint = "" if self._ports.settings.loop.write_tests else HINT
            found.append(Warned(why, hint))
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

    # -- the steps ----------------------------------------------------------------------------

    def carry_out(self, asker: Asker, house: House) -> None:
        """Do the open steps, if there are any; `house` lays out what they have changed.

        Raises:
            Stopped: the user or a limit ended the run.
            ChecksError: the baseline cannot be measured.
        """
        if not self.open_steps:
            self._keeping.catch_up_ticks()
            return
        self._house = house
        self._tests = Tests.for_run(self._ports, self.suite)
        self._beginning.prepare()
        self._tests.measure_baseline()
        self._runner = StepRunner(
            self._ports,
            self._tests,
            asker,
            self._background(),
            is_task=self._kind == "task",
            folder=self._options.folder,
        )
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

    def _background(self) -> Background:
        count = self._ports.engine.count
        return Background(
            self.plan.preamble,
            repository_map(self.plan, self._tree, count),
            read_rules(self._tree, RULES_TOKENS[self._ports.profile.name], count),
        )

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
        if needs := unmet_need(step, self.open_steps, self._state_of, self._tree):
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
            return replace(line, patch=self._keeping.keep_patch(line.id, result.patch))
        return self._keeping.keep(step, line, result)

    def _state_of(self, step: Step) -> StepState:
        return self._board[self._id(step)].state

    def _edited(self, step: Step) -> StepResult:
        try:
            command = parse_command(step.test, "step") if step.test else None
            given = GivenFile.of(step, self._tests.suite, self._tree)
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if given is None:
            command = self._tests.useful(command)
            may_write = command is None and self._ports.settings.loop.write_tests
            if may_write and (done := self._with_own_test(step)):
                return done
            result = self._runner.run(step, command, self._options.files)
            self._house.tidy(result, self._tests, command)
            return result
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
                self._house.tidy(result, self._tests, command)
            kept = result.state != "blocked"
            return replace(result, changed=(given.path, *result.changed)) if kept else result
        finally:
            if not kept:
                self._tree.abandon()

    def _with_own_test(self, step: Step) -> StepResult | None:
        """Have the model write a test for a step and do it; None if nothing came of the test."""
        kept = False
        try:
            if (own := self._runner.own_test(step, self._options.files)) is None:
                return None
            before = self._tests.measure(own.command)
            if before is None or before.green:
                self._leave_out(own.path, "passes before anything is done")
                return None
            result = self._runner.run(step, own.command, self._options.files, own.path)
            if result.state == "blocked":
                self._leave_out(own.path, f"is not content with any attempt: {result.reason}")
                return None
            self._house.tidy(result, self._tests, own.command)
            kept = True
            reason = f"only {own.path} speaks for it, which the model wrote"
            changed = (own.path, *(path for path in result.changed if path != own.path))
            return replace(
                result, state="unverified", reason=reason, changed=changed, own_test=own.path
            )
        except (ChecksError, EngineError) as error:
            self._emit(Warned(f"no test is written first: {error.message}"))
            return None
        finally:
            if not kept:
                self._tree.abandon()

    def _leave_out(self, path: str, why: str) -> None:
        """Tell that a test of the model's own is not used."""
        self._emit(Warned(f"{path}, which the model wrote, {why}; the step is done without it"))

    def _only_test(self, command: TestCommand) -> StepResult:
        """End a step whose only work is the test that it gives: it is written now."""
        run = self._tests.measure(command)
        colour = "green" if run and run.green else "red"
        reason = f"the test is written, and {colour} before anything else is done"
        return StepResult("unverified", reason, tests_after=summary(run))

    # -- after the last step ------------------------------------------------------------------

    def next_commands(self) -> Sequence[str]:
        """Return what the user may type now."""
        back = self._beginning.back
        if any(self._board[self._id(step)].commit for step in self.plan.steps if not step.checked):
            return after_commits(back, self._repository.branch())
        return after_edits(back, *self._tree.written())
