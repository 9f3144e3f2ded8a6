"""Rounds of attempts at a step: each attempt is tested, and the best of a round is kept.

Knows neither how many rounds there are nor what becomes of their best.
"""

from __future__ import annotations

import time
from dataclasses import replace

from qwenagent.loop.attempts import Round, Standing, Tested
from qwenagent.loop.editing.asker import Action
from qwenagent.loop.editing.doubtful import LineEdit, neighbours
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.variants import Variants
from qwenagent.loop.evidence.judging import Judge, Judged
from qwenagent.loop.evidence.testing import Tests
from qwenagent.loop.ports import Ports
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import CandidateScored, LineTried, Phase

DOUBTS_S = 90.0
"""Longest time for the doubtful lines of one state where a fault is looked for, else half of it."""
BRANCHES_S = 60.0
"""Time after which no further attempt is begun that parts from another."""
BOUNDS_S = 45.0
"""Time after that for other bounds in those that were a gain."""


class Rounds:
    """The rounds of one step."""

    def __init__(self, ports: Ports, tests: Tests, judge: Judge, editor: Editor) -> None:
        """They start from the tree as it is."""
        self._ports = ports
        self._tests = tests
        self._judge = judge
        self._editor = editor
        self._variants = Variants(ports, editor)
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._n_scored = 0
        self._tried_lines: set[str] = set()
        """Patches that differ from a state in one line and were tested."""
        self.standing = Standing(judge.start_rank, ports.workspace.state())

    def run(self, phase: Phase, *, think: bool) -> Round | str:
        """Have the model try once more, from the tree as it is; return why it gave up, if it did.

        The tree is left as the best attempt of the round had it.
        """
        self._editor.open(phase, self.failing, think=think)
        round_ = Round(self._tree.state(), self._editor.talk.messages)
        if gave_up := self._editor.edit(phase):
            return gave_up
        self.test(round_)
        if phase == "repair" or self._judge.is_asked:  # else there was nothing to doubt
            self._try_doubtful_lines(phase, round_, None)
        self._climb(phase, round_)
        is_far = not (round_.best and _is_near(round_.best))
        if is_far if phase == "edit" else not self._has_gained(round_):
            self._race(phase, round_)
            self._climb(phase, round_)
        if round_.best:
            self._tree.restore(round_.best.files)
        return round_

    @property
    def failing(self) -> TestRun | None:
        """The tests that the model is shown."""
        base = self.standing.base
        return base.judged.shown if base else self._judge.failing

    def test(self, round_: Round) -> bool:
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
        known = round_.best.judged.rank if round_.best else self.standing.rank
        round_.add(here)
        return here, here.judged.rank > known

    def _race(self, phase: Phase, round_: Round) -> None:
        """Draw further attempts from where the round began, until the tests are content with one.

        Each starts from the same prompt and the same files; identical ones are tested once. The
        tree is left as the best attempt had it.
        """
        n = self._n_candidates()
        if n <= 1 or round_.is_won:
            return
        self._editor.draw = 1
        self._back_to(round_)
        if self._variants.are_bodies(phase):
            self._variants.bodies(phase, n - 1, lambda action: self._take(action, round_))
        else:
            while self._editor.draw < n and not round_.is_won:
                self._back_to(round_)
                if not self._editor.edit(phase):
                    self.test(round_)
                self._editor.draw += 1
        self._editor.draw = 0

    def _climb(self, phase: Phase, round_: Round) -> None:
        """Go on from the best attempt of a round, again and again while that is a gain.

        By lines and by attempts that part from it; lines first if most of what was red is green.
        Where code is to be mended and no attempt is a gain, from the code as it was.
        """
        is_old = phase == "repair" or self._judge.is_asked
        while not round_.is_won:
            least = self.standing.rank
            base = round_.best
            if base and (base.judged.rank < least or (base.judged.rank == least and is_old)):
                base = None
            rank = base.judged.rank if base else least
            if rank in round_.climbed:
                return
            round_.climbed.add(rank)
            if base is None:
                self._branch(phase, round_, base)
                continue
            ways = [self._try_doubtful_lines, self._branch]
            for way in ways if _is_near(base) else reversed(ways):
                if not self._is_outdone(base, round_):
                    way(phase, round_, base)

    def _is_outdone(self, base: Tested, round_: Round) -> bool:
        return round_.best is not None and round_.best.judged.rank > base.judged.rank

    def _branch(self, phase: Phase, round_: Round, base: Tested | None) -> None:
        """Write attempts that part from one, or from the start, where the model doubts it most.

        What is drawn by chance is mostly the same again, or worse in many places at once.
        """
        n = self._n_candidates()
        failing = self._failing_of(base)
        if n <= 1 or failing is None or round_.is_won:
            return
        ends = 0.0

        def take(action: Action) -> bool:
            nonlocal ends
            ends = ends or time.monotonic() + BRANCHES_S
            return self._take(action, round_, base) or time.monotonic() > ends

        self._back_to(round_, base)
        self._variants.branches(phase, failing, n, take)

    def _failing_of(self, base: Tested | None) -> TestRun | None:
        return (base.judged.shown if base else self.failing) or self._judge.failing_examples

    def _has_gained(self, round_: Round) -> bool:
        """Whether the best attempt of a round is better than all before, and breaks nothing."""
        if round_.best is None:
            return False
        judged = round_.best.judged
        return judged.rank > self.standing.rank and not judged.newly_failed

    def _try_doubtful_lines(self, phase: Phase, round_: Round, base: Tested | None) -> None:
        """Test edits of one line each, where the model hesitates over an attempt, or the start."""
        n = self._ports.settings.loop.doubts
        failing = self._failing_of(base)
        if not n or failing is None or round_.is_won:
            return
        known = base.judged.rank if base else self.standing.rank
        gains: list[tuple[tuple[int, ...], LineEdit]] = []
        ends = 0.0

        def take(line: LineEdit, outdone: tuple[int, ...] = known) -> bool:
            nonlocal ends
            if not ends:  # reading the prompt may have taken longer than all of this
                ends = time.monotonic() + (DOUBTS_S if self._judge.is_asked else DOUBTS_S / 2)
            self._ports.stop.check()
            self._back_to(round_, base)
            judged = self._try_line(line, round_)
            if judged and judged.rank > outdone and not judged.newly_failed:
                gains.append((judged.rank, line))
            return round_.is_won or time.monotonic() > ends

        self._back_to(round_, base)
        with self._tests.hurried():
            self._variants.lines(phase, failing, n, take)
            ends = max(ends, time.monotonic() + BOUNDS_S)
            while gains and not round_.is_won:
                gains.sort(key=lambda one: one[0])
                rank, line = gains.pop()
                if any(take(other, rank) for other in neighbours(line)):
                    break

    def _try_line(self, line: LineEdit, round_: Round) -> Judged | None:
        """Test an edit of one line; return what tests say, None if it is refused or not new."""
        edit, refused = self._editor.try_edit(line.call)
        if edit and not refused:
            patch = self._tree.patch()
            if patch in self._tried_lines:
                return None
            self._tried_lines.add(patch)
        told = LineTried(line.path, line.row, line.old, line.new, refused)
        tested = None if refused else self._tested(round_)
        if tested:
            here, best = tested
            shown = here.judged.shown
            n_passed, n_failed = (shown.n_passed, shown.n_failed) if shown else (0, 0)
            told = replace(told, passed=n_passed, failed=n_failed, best=best)
        self._emit(told)
        if edit and round_.is_won:
            self._editor.tell(edit)
        return tested[0].judged if tested else None

    def _back_to(self, round_: Round, base: Tested | None = None) -> None:
        """Begin an attempt anew with the files as the round began with them, or as in `base`."""
        self._tree.restore(base.files if base else round_.start)
        self._editor.back(round_.messages, is_changed=base is not None)

    def _take(self, action: Action, round_: Round, base: Tested | None = None) -> bool:
        """Apply and test one of several bodies, each of them from the same state."""
        self._ports.stop.check()
        self._back_to(round_, base)
        if not action.call or self._editor.apply(action):
            return False
        with self._tests.pressed():
            return self.test(round_)

    def _n_candidates(self) -> int:
        """Attempts of a round: one where nothing can choose among several."""
        if not self._judge.can_choose:
            return 1
        return self._ports.settings.loop.candidates or self._ports.profile.candidates

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


def _is_near(attempt: Tested) -> bool:
    """Whether most of what was red is green: what is drawn anew is then worse."""
    shown, n_won = attempt.judged.shown, len(attempt.judged.newly_passed)
    return shown is not None and n_won > 0 and n_won >= shown.n_failed
