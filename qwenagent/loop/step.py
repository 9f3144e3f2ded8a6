"""One step: edit, check, test, repair at most twice, keep the best.

Works on the tree as it is and leaves either the best attempt in it or, if that is not good
enough, the tree as it was. Knows nothing of commits and of other steps.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from qwenagent.errors import ChecksError, EngineError
from qwenagent.escalate import FilePatch
from qwenagent.loop.asker import Action, Asker
from qwenagent.loop.attempts import Round, Tested
from qwenagent.loop.doubtful import LineEdit
from qwenagent.loop.editor import Editor, prompt_tokens
from qwenagent.loop.escalating import Escalating, Help, Situation, calls_of, why_not_taken
from qwenagent.loop.importing import Imports
from qwenagent.loop.judging import Judge, Judged
from qwenagent.loop.ports import Ports
from qwenagent.loop.targets import find_targets
from qwenagent.loop.testing import Tests, summary
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand, TestRun
from qwenagent.protocol.events import (
    CandidateScored,
    CheckpointMade,
    LineTried,
    Phase,
    StepState,
    Warned,
)

DOUBTS_S = 90.0
"""Longest time for a round's doubtful lines."""
BYTES_PER_TOKEN = 3
"""Of code; a file that has more than a prompt can hold cannot be changed as a whole."""


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step ended. `patch` is the best attempt where the step is blocked."""

    state: StepState
    reason: str
    tests_before: str = ""
    tests_after: str = ""
    changed: tuple[str, ...] = ()
    patch: str = ""


class StepRunner:
    """Carries out steps, one after the other."""

    def __init__(
        self,
        ports: Ports,
        tests: Tests,
        asker: Asker,
        plan_text: str,
        map_text: str,
        *,
        is_task: bool = False,
    ) -> None:
        """A task is a step that somebody typed, and not one of a plan."""
        self._ports = ports
        self._is_task = is_task
        self._tests = tests
        self._asker = asker
        self._plan_text = plan_text
        self._map_text = map_text
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._imports = Imports(ports)

    def run(
        self,
        step: Step,
        command: TestCommand | None,
        extra_files: tuple[str, ...] = (),
        given: str = "",
    ) -> StepResult:
        """Carry out one step. `given` is the file of a test that the plan gave for it.

        Raises:
            Stopped: the run was stopped; the tree is as the interrupted attempt left it.
        """
        self._best: Tested | None = None
        self._base: Tested | None = None
        self._kept: Tested | None = None
        self._n_scored = 0
        self._tried: list[str] = []
        self._tree.refresh()
        window_bytes = prompt_tokens(self._ports) * BYTES_PER_TOKEN
        targets = find_targets(step, self._tree, extra_files, window_bytes)
        if targets.refused and not targets.named:
            return StepResult("blocked", "; ".join(targets.refused))
        for sentence in targets.refused:
            self._emit(Warned(sentence))
        try:
            self._judge = Judge(
                step, command, self._tests, self._tree, targets.all, is_task=self._is_task
            )
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if given and self._judge.before and self._judge.before.green:
            self._emit(
                Warned(f"{given} passes before anything is done, so it is no evidence for the step")
            )
        self._editor = Editor(
            self._ports,
            self._asker,
            step,
            targets,
            imports=self._imports,
            test_command=self._judge.shown_command,
            plan_text=self._plan_text,
            map_text=self._map_text,
        )
        self._targets = targets
        command_shown = self._judge.shown_command
        self._escalating = Escalating(self._ports, step, targets, self._plan_text, command_shown)
        try:
            return self._solve()
        except (ChecksError, EngineError) as error:
            return self._blocked(error.message)

    # -- the order of things ------------------------------------------------------------------

    def _solve(self) -> StepResult:
        """Try, each time from the best state so far, until the tests are content."""
        loop = self._ports.settings.loop
        reason = "no answer came to its end"
        if won := self._up_front():
            return won
        n_tested = n_refused = 0
        while n_tested <= loop.repairs and n_refused <= loop.resamples:
            phase: Phase = "repair" if n_tested else "edit"
            round_ = self._round(phase, think=n_tested + n_refused > 0)
            if isinstance(round_, str):
                return self._helped(round_) or self._blocked(round_)
            self._tried.append(self._came_of(round_))
            if round_.best is None:
                n_refused += 1
                reason = self._editor.refusal or reason
                continue
            judged = round_.best.judged
            self._settle(n_tested, round_.best)
            if round_.is_won:
                return self._finished(judged)
            reason = judged.reason
            n_tested += 1
        return self._good_enough() or self._helped(reason) or self._blocked(reason)

    def _round(self, phase: Phase, *, think: bool) -> Round | str:
        """Have the model try once more, from the tree as it is; return why it gave up, if it did.

        The tree is left as the best attempt of the round had it.
        """
        self._editor.open(phase, self._failing(), think=think)
        round_ = Round(self._tree.state(), self._editor.talk.messages)
        if gave_up := self._editor.edit(phase):
            return gave_up
        self._test(round_)
        if not round_.is_won:
            self._try_doubtful_lines(phase, round_)
        if not round_.is_won:
            self._race(phase, round_)
        if round_.best:
            self._tree.restore(round_.best.files)
        return round_

    def _came_of(self, round_: Round) -> str:
        if round_.best is None:
            return self._editor.refusal or "no answer came to its end"
        return round_.best.judged.reason

    def _test(self, round_: Round) -> bool:
        """Test what the present attempt of a round wrote; return whether that is enough."""
        if tested := self._tested(round_):
            self._tell_score(*tested)
        return round_.is_won

    def _tested(self, round_: Round) -> tuple[Tested, bool] | None:
        """Test the present attempt; return what came of it and whether it is the best so far.

        None if there is nothing new to test.
        """
        patch = self._tree.patch()
        if not self._editor.talk.has_edited or patch in round_.patches:
            return None
        round_.patches.add(patch)
        here = Tested(self._judge.judge(self._tree.changed()), self._tree.state(), patch)
        before = round_.best or self._best
        known = before.judged.rank if before else self._judge.start_rank
        round_.add(here)
        return here, here.judged.rank > known

    def _race(self, phase: Phase, round_: Round) -> None:
        """Draw further attempts from where the round began, until the tests are content with one.

        Each starts from the same prompt and the same files; identical ones are tested once. The
        tree is left as the best attempt had it.
        """
        n = self._n_candidates()
        if n <= 1:
            return
        self._editor.draw = 1
        self._back_to(round_)
        if self._editor.forces_body(phase):
            self._editor.bodies(phase, n - 1, lambda action: self._take(action, round_))
        else:
            while self._editor.draw < n and not round_.is_won:
                self._back_to(round_)
                if not self._editor.edit(phase):
                    self._test(round_)
                self._editor.draw += 1
        self._editor.draw = 0

    def _try_doubtful_lines(self, phase: Phase, round_: Round) -> None:
        """Test edits of one line each, where the model hesitates over what the round began with.

        Not before anything was written, unless it is a fault that is looked for: of a function
        without a body there is nothing to doubt.
        """
        n = self._ports.settings.loop.doubts
        failing = self._failing() or self._judge.failing_examples
        if not n or failing is None or not (phase == "repair" or self._judge.is_asked):
            return
        self._back_to(round_)
        ends = time.monotonic() + (DOUBTS_S if self._judge.is_asked else DOUBTS_S / 2)

        def take(line: LineEdit) -> bool:
            self._ports.stop.check()
            self._back_to(round_)
            self._try_line(line, round_)
            return round_.is_won or time.monotonic() > ends

        with self._tests.hurried():
            self._editor.doubtful_lines(phase, failing, n, take)

    def _try_line(self, line: LineEdit, round_: Round) -> None:
        edit, refused = self._editor.try_edit(line.call)
        told = LineTried(line.path, line.row, line.old, line.new, refused)
        if tested := None if refused else self._tested(round_):
            here, best = tested
            shown = here.judged.shown
            n_passed, n_failed = (shown.n_passed, shown.n_failed) if shown else (0, 0)
            told = replace(told, passed=n_passed, failed=n_failed, best=best)
        self._emit(told)
        if edit and round_.is_won:
            self._editor.tell(edit)

    def _back_to(self, round_: Round) -> None:
        self._tree.restore(round_.start)
        self._editor.back(round_.messages)

    def _take(self, action: Action, round_: Round) -> bool:
        """Apply and test one of the bodies that are written side by side."""
        self._ports.stop.check()
        self._back_to(round_)
        return bool(action.call) and not self._editor.apply(action) and self._test(round_)

    def _n_candidates(self) -> int:
        """Attempts of a round: one where nothing can choose among several."""
        if not self._judge.can_choose:
            return 1
        return self._ports.settings.loop.candidates or self._ports.profile.candidates

    def _failing(self) -> TestRun | None:
        """Return the tests that the model is shown."""
        return self._base.judged.shown if self._base else self._judge.failing

    # -- with help from elsewhere -------------------------------------------------------------

    def _up_front(self) -> StepResult | None:
        """Ask before anything is tried, where the user said so; return the end if that is it."""
        found = self._escalating.up_front(self._situation())
        if isinstance(found, tuple):
            return self._with_help(found)
        if found:
            self._editor.advise(found)
        return None

    def _helped(self, reason: str) -> StepResult | None:
        """Ask where local attempts are used up and the user allows it."""
        if self._ports.frontier is None:
            return None
        self._tree.restore(self._base.files if self._base else {})
        n_kept = len(self._tried)
        for found in self._escalating.ladder(reason, self._situation):
            if won := self._with_help(found):
                return won
        return self._good_enough() if len(self._tried) > n_kept else None

    def _situation(self) -> Situation:
        return Situation(self._failing(), tuple(self._tried))

    def _with_help(self, found: Help) -> StepResult | None:
        """Try with advice, or a patch; what is no gain is taken back."""
        if isinstance(found, str):
            self._editor.advise(found)
            round_ = self._round("repair" if self._kept else "edit", think=False)
        else:
            round_ = self._patched(found)
        if isinstance(round_, str):
            self._tree.restore(self._base.files if self._base else {})
            return None
        self._tried.append(self._came_of(round_))
        if round_.best is None:
            return None
        self._settle(1, round_.best)
        return self._finished(round_.best.judged) if round_.is_won else None

    def _patched(self, patch: Sequence[FilePatch]) -> Round:
        """Carry out somebody else's patch and test it: all of it, or nothing."""
        round_ = Round(self._tree.state(), ())
        why = why_not_taken(patch, self._targets, self._tree)
        if not why:
            why = self._editor.take_over(calls_of(patch, self._tree), self._failing())
        if not why:
            self._test(round_)
            return round_
        self._tree.restore(round_.start)
        self._editor.refusal = f"the patch is not taken: {why}"
        self._emit(CheckpointMade("rollback", "before the patch", self._editor.refusal))
        return round_

    # -- after the tests ----------------------------------------------------------------------

    def _tell_score(self, here: Tested, best: bool) -> None:
        judged, shown = here.judged, here.judged.shown
        self._emit(
            CandidateScored(
                candidate=self._n_scored,
                passed=shown.n_passed if shown else 0,
                failed=shown.n_failed if shown else 0,
                newly_passed=len(judged.newly_passed),
                newly_failed=len(judged.newly_failed),
                rank=judged.rank,
                best=best,
            )
        )
        self._n_scored += 1

    def _settle(self, n_rounds: int, here: Tested) -> None:
        """Decide from which state the next round starts.

        From this one if the tests say that it is a gain. The first round is built upon also if it
        is neither gain nor loss: its error is the best hint there is. Else from the best state
        before, which is the start of the step if nothing was a gain.
        """
        judged = here.judged
        gain = judged.rank > (self._best.judged.rank if self._best else self._judge.start_rank)
        self._kept = here if gain or self._kept is None else self._kept
        if gain:
            self._best = here
        elif judged.state == "red":
            self._base = here if n_rounds == 0 and not judged.newly_failed else self._best
            if self._base is not here:
                self._tree.restore(self._best.files if self._best else {})
                self._emit(CheckpointMade("rollback", "best state so far", "it was no gain"))
            return
        self._base = here

    # -- endings ------------------------------------------------------------------------------

    def _finished(self, judged: Judged) -> StepResult:
        if judged.suite:
            self._tests.baseline = judged.suite
        return StepResult(
            state="solved" if judged.state == "solved" else "unverified",
            reason=judged.reason,
            tests_before=summary(self._judge.before),
            tests_after=summary(judged.shown),
            changed=tuple(self._tree.changed()),
        )

    def _good_enough(self) -> StepResult | None:
        """Take the attempt that its tests are content with, if only examples are not.

        The examples were read out of prose, so a test that somebody wrote counts more.
        """
        kept = self._kept
        if kept and kept.judged.is_wish:
            self._tree.restore(kept.files)
            judged = kept.judged
            n_red = judged.shown.n_failed if judged.shown else 0
            state: StepState = "solved" if judged.newly_passed else "unverified"
            reason = f"{n_red} of the tests that were red still are"
            return replace(self._finished(judged), state=state, reason=reason)
        if kept is None or not kept.judged.tests_solved:
            return None
        self._tree.restore(kept.files)
        result = self._finished(kept.judged)
        return replace(result, state="unverified", reason=f"the tests pass; {result.reason}")

    def _blocked(self, reason: str) -> StepResult:
        best = self._kept
        if self._tree.changed():
            self._tree.rollback()
            self._emit(CheckpointMade("rollback", "start of the step", "the tree is as it was"))
        return StepResult(
            state="blocked",
            reason=reason,
            tests_before=summary(self._judge.before),
            tests_after=summary(best.judged.shown) if best else "",
            patch=best.patch if best else "",
        )
