"""One step: edit, check, test, repair at most twice, keep the best.

Works on the tree as it is and leaves either the best attempt in it or, if that is not good
enough, the tree as it was. Knows nothing of commits and of other steps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from qwenagent.errors import ChecksError, EngineError
from qwenagent.escalate import FilePatch
from qwenagent.loop.attempts import Round, Standing, Tested
from qwenagent.loop.editing.asker import Asker
from qwenagent.loop.editing.context import Background, prompt_tokens
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.importing import Imports
from qwenagent.loop.editing.splitting import halves
from qwenagent.loop.editing.targets import Targets, find_targets, in_folder
from qwenagent.loop.editing.testfirst import written_test
from qwenagent.loop.escalating import Escalating, Help, Situation, calls_of, why_not_taken
from qwenagent.loop.evidence.judging import Judge, Judged
from qwenagent.loop.evidence.testing import Tests, summary
from qwenagent.loop.given import GivenFile
from qwenagent.loop.ports import Ports
from qwenagent.loop.rounds import Rounds
from qwenagent.plan import Step
from qwenagent.protocol.checks import TestCommand
from qwenagent.protocol.events import CheckpointMade, Phase, StepState, Warned

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
    own_test: str = ""
    """The file among `changed` that holds a test which the model wrote before the code."""


def take_back(ports: Ports) -> None:
    """Put the tree back to where the step began, and tell it, if anything was changed."""
    if ports.workspace.changed():
        ports.workspace.rollback()
        told = CheckpointMade("rollback", "start of the step", "the tree is as it was")
        ports.events.emit(told)


class StepRunner:
    """Carries out steps, one after the other."""

    def __init__(
        self,
        ports: Ports,
        tests: Tests,
        asker: Asker,
        background: Background,
        *,
        is_task: bool = False,
        folder: str = ".",
    ) -> None:
        """A task is a step that somebody typed, standing in `folder`, and not one of a plan."""
        self._ports = ports
        self._is_task = is_task
        self._folder = folder
        self._gone: set[str] = set()
        self._tests = tests
        self._asker = asker
        self._background = background
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
        self._tree.refresh()
        if self._is_task:
            step = in_folder(step, self._tree, self._folder)
        targets = self._targets(step, extra_files)
        if targets.refused and not targets.named:
            return StepResult("blocked", "; ".join(targets.refused))
        for sentence in (*targets.refused, *targets.unclear):
            self._emit(Warned(sentence))
        try:
            judge = Judge(
                step,
                command,
                self._tests,
                self._tree,
                targets.all,
                is_task=self._is_task,
                gives_test=bool(given),
                delete=targets.delete,
                rename=targets.rename,
            )
        except ChecksError as error:
            return StepResult("blocked", error.message)
        if given and judge.before and judge.before.green:
            self._emit(
                Warned(f"{given} passes before anything is done, so it is no evidence for the step")
            )
        result = self._work(step, targets, judge).solve()
        self._gone.update(path for path in result.changed if not self._tree.exists(path))
        return result

    def own_test(self, step: Step, extra_files: tuple[str, ...] = ()) -> GivenFile | None:
        """Have the model write a test for a step if nothing speaks for it; see `written_test`."""
        self._tree.refresh()
        if self._is_task:
            step = in_folder(step, self._tree, self._folder)
        targets = self._targets(step, extra_files)
        judge = Judge(step, None, self._tests, self._tree, targets.all, is_task=self._is_task)
        if judge.speaks or not (targets.create or targets.change):
            return None
        return written_test(
            replace(step, files=targets.all),
            targets.create,
            self._tests.suite,
            self._ports,
            self._asker,
            self._imports,
            self._background,
        )

    def _targets(self, step: Step, extra_files: tuple[str, ...]) -> Targets:
        window_bytes = prompt_tokens(self._ports) * BYTES_PER_TOKEN
        return find_targets(
            step, self._tree, extra_files, window_bytes, folder=self._folder, gone=self._gone
        )

    def _work(self, step: Step, targets: Targets, judge: Judge) -> _Work:
        ports, command = self._ports, judge.shown_command
        editor = self._editor(step, targets, judge)
        escalating = Escalating(ports, step, targets, self._background.plan_text, command)

        def in_two(reason: str) -> list[Editor]:
            parts = halves(step, reason, self._asker) if ports.profile.name == "large" else ()
            if parts:
                self._emit(Warned(f"tried in two parts: {' | '.join(it.title for it in parts)}"))
            return [self._editor(part, self._of_part(part, targets), judge) for part in parts]

        return _Work(ports, self._tests, targets, judge, editor, escalating, in_two)

    def _editor(self, step: Step, targets: Targets, judge: Judge) -> Editor:
        return Editor(
            self._ports,
            self._asker,
            step,
            targets,
            imports=self._imports,
            test_command=judge.shown_command,
            background=self._background,
            speaks=judge.speaks,
            seeks_fault=judge.is_asked,
        )

    def _of_part(self, part: Step, whole: Targets) -> Targets:
        """Return the files of a part of a step: no others than the step's, if it names any."""
        found = self._targets(part, ())
        is_within = found.named and set(found.all) <= {*whole.all}
        return found if is_within or (found.named and not whole.named) else whole


@dataclass(slots=True)
class _Work:
    """One step while it is being solved."""

    ports: Ports
    tests: Tests
    targets: Targets
    judge: Judge
    editor: Editor
    escalating: Escalating
    in_two: Callable[[str], Sequence[Editor]]
    """Splits the step, told why it failed: who writes each part; nobody if it is not split."""
    rounds: Rounds = field(init=False)
    standing: Standing = field(init=False)
    tried: list[str] = field(default_factory=list)
    """What came of each attempt, a sentence each."""

    def __post_init__(self) -> None:
        self._turned_to(self.editor)

    def solve(self) -> StepResult:
        """Solve the step, or leave the tree as it was."""
        try:
            return self._solve()
        except (ChecksError, EngineError) as error:
            return self._blocked(error.message)

    # -- the order of things ------------------------------------------------------------------

    def _solve(self) -> StepResult:
        """Try, each time from the best state so far, until the tests are content."""
        if won := self._up_front():
            return won
        won, reason = self._tries()
        if won or (won := self._good_enough() or self._by_halves(reason)):
            return won
        return self._helped(reason) or self._blocked(reason)

    def _tries(self) -> tuple[StepResult | None, str]:
        """Try round by round; return how the step ended, if it is done, and why not."""
        loop = self.ports.settings.loop
        reason = "no answer came to its end"
        n_tested = n_refused = 0
        while n_tested <= loop.repairs and n_refused <= loop.resamples:
            phase: Phase = "repair" if n_tested else "edit"
            round_ = self.rounds.run(phase, think=n_tested + n_refused > 0)
            if isinstance(round_, str):
                return None, round_
            if round_.best is None:
                n_refused += 1
                reason = self.editor.refusal or reason
            if won := self._ended(round_, is_first=n_tested == 0):
                return won, ""
            if round_.best:
                reason = round_.best.judged.reason
                n_tested += 1
        return self._afresh(), reason

    def _ended(self, round_: Round, *, is_first: bool = False) -> StepResult | None:
        """Keep what came of a round; return how the step ended, if it is done."""
        self.tried.append(self._came_of(round_))
        if round_.best is None:
            return None
        self._settle(round_.best, is_first=is_first)
        return self._finished(round_.best.judged) if round_.is_won else None

    def _afresh(self) -> StepResult | None:
        """Draw attempts from the start if that was left for later, and go on from a gain."""
        round_ = self.rounds.afresh()
        if round_ is None:
            return None
        if won := self._ended(round_):
            return won
        if round_.best is None or self.standing.base is not round_.best:
            return None
        again = self.rounds.run("repair", think=False)
        return None if isinstance(again, str) else self._ended(again)

    def _by_halves(self, reason: str) -> StepResult | None:
        """Do the step in two parts, one after the other; None, and all as before, if that fails.

        Of the first the tests can only tell that it broke nothing.
        """
        parts = self.in_two(reason)
        if not parts:
            return None
        tree, whole = self.ports.workspace, (self.editor, self.rounds, self.standing)
        tree.restore({})
        first, second = parts
        done = None
        begun = self._turned_to(first).run("edit", think=False)
        if isinstance(begun, Round) and begun.best and not begun.best.judged.newly_failed:
            if begun.is_won:
                done = self._finished(begun.best.judged)
            else:
                self._turned_to(second)
                done, _ = self._tries()
        self.editor, self.rounds, self.standing = whole
        if done is None:
            tree.restore(self.standing.files)
        return done

    def _turned_to(self, editor: Editor) -> Rounds:
        """Go on with another editor, from the tree as it is."""
        self.editor = editor
        self.rounds = Rounds(self.ports, self.tests, self.judge, editor)
        self.standing = self.rounds.standing
        return self.rounds

    def _came_of(self, round_: Round) -> str:
        if round_.best is None:
            return self.editor.refusal or "no answer came to its end"
        return round_.best.judged.reason

    def _settle(self, here: Tested, *, is_first: bool) -> None:
        """Leave the tree as the next round is to find it; see `Standing.settle`."""
        self.standing.settle(here, is_first=is_first)
        if self.standing.base is not here:
            self.ports.workspace.restore(self.standing.files)
            self.ports.events.emit(
                CheckpointMade("rollback", "best state so far", "it was no gain")
            )

    # -- with help from elsewhere -------------------------------------------------------------

    def _up_front(self) -> StepResult | None:
        """Ask before anything is tried, where the user said so; return the end if that is it."""
        found = self.escalating.up_front(self._situation())
        if isinstance(found, tuple):
            return self._with_help(found)
        if found:
            self.editor.advise(found)
        return None

    def _helped(self, reason: str) -> StepResult | None:
        """Ask where local attempts are used up and the user allows it."""
        if self.ports.frontier is None:
            return None
        self.standing.drop_no_gain()
        self.ports.workspace.restore(self.standing.files)
        n_kept = len(self.tried)
        for found in self.escalating.ladder(reason, self._situation):
            if won := self._with_help(found):
                return won
        return self._good_enough() if len(self.tried) > n_kept else None

    def _situation(self) -> Situation:
        return Situation(self.rounds.failing, tuple(self.tried))

    def _with_help(self, found: Help) -> StepResult | None:
        """Try with advice, or a patch; what is no gain is taken back."""
        if isinstance(found, str):
            self.editor.advise(found)
            round_ = self.rounds.run("repair" if self.standing.kept else "edit", think=False)
        else:
            round_ = self._patched(found)
        if isinstance(round_, str):
            self.ports.workspace.restore(self.standing.files)
            return None
        return self._ended(round_)

    def _patched(self, patch: Sequence[FilePatch]) -> Round:
        """Carry out somebody else's patch and test it: all of it, or nothing."""
        round_ = Round(self.ports.workspace.state(), ())
        why = why_not_taken(patch, self.targets, self.ports.workspace)
        if not why:
            why = self.editor.take_over(calls_of(patch, self.ports.workspace), self.rounds.failing)
        if not why:
            self.rounds.test(round_)
            return round_
        self.ports.workspace.restore(round_.start)
        self.editor.refusal = f"the patch is not taken: {why}"
        self.ports.events.emit(CheckpointMade("rollback", "before the patch", self.editor.refusal))
        return round_

    # -- endings ------------------------------------------------------------------------------

    def _finished(self, judged: Judged) -> StepResult:
        if judged.suite:
            self.tests.accept(judged.suite)
        # Of a slow suite only a part ran; what is left out counts as it was before.
        self.tests.relocate(self.judge.as_it_is_now)
        return StepResult(
            state="solved" if judged.state == "solved" else "unverified",
            reason=judged.reason,
            tests_before=summary(self.judge.before),
            tests_after=summary(judged.shown),
            changed=tuple(self.ports.workspace.changed()),
        )

    def _good_enough(self) -> StepResult | None:
        """Take the attempt that its tests are content with, if only examples are not.

        The examples were read out of prose, so a test that somebody wrote counts more.
        """
        kept = self.standing.kept
        if kept and kept.judged.is_wish:
            self.ports.workspace.restore(kept.files)
            judged = kept.judged
            n_red = judged.shown.n_failed if judged.shown else 0
            state: StepState = "solved" if judged.is_won else "unverified"
            reason = f"{n_red} of the tests that were red still are"
            return replace(self._finished(judged), state=state, reason=reason)
        if kept is None or not kept.judged.tests_solved:
            return None
        self.ports.workspace.restore(kept.files)
        result = self._finished(kept.judged)
        return replace(result, state="unverified", reason=f"the tests pass; {result.reason}")

    def _blocked(self, reason: str) -> StepResult:
        best = self.standing.kept
        take_back(self.ports)
        return StepResult(
            state="blocked",
            reason=reason,
            tests_before=summary(self.judge.before),
            tests_after=summary(best.judged.shown) if best else "",
            patch=best.patch if best else "",
        )
