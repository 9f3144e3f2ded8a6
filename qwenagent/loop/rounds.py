"""Rounds of attempts at a step: each attempt is tested, and the best of a round is kept.

Knows neither how many rounds there are nor what becomes of their best.
"""

from __future__ import annotations

import time

from qwenagent.loop.attempts import Round, Tested
from qwenagent.loop.editing.asker import Action
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.variants import Variants
from qwenagent.loop.evidence.judging import Judge
from qwenagent.loop.evidence.testing import Tests
from qwenagent.loop.lines import Lines
from qwenagent.loop.ports import Ports
from qwenagent.loop.trials import Trials
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import Phase

BRANCHES_S = 60.0
"""Time after which no further attempt is begun that parts from another."""


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
        self._trials = Trials(ports, judge, editor)
        self._lines = Lines(ports, tests, judge, editor, self._variants, self._trials)
        self.standing = self._trials.standing
        self._has_raced = False
        self._parted: set[str] = set()
        """Patches that make states which a round began with and attempts parted from."""
        self._is_small = ports.profile.name == "small"

    def run(self, phase: Phase, *, think: bool) -> Round | str:
        """Have the model try once more, from the tree as it is; return why it gave up, if it did.

        The tree is left as the best attempt of the round had it.
        """
        # In 15 runs of the 1.5B 29 turns of answers to failing tests were one gain; 28 searches for
        # a line that it doubts took as long, and were 20.
        mends = phase == "repair" and self._is_small and not self._editor.is_advised
        mends = mends and self._has_code and not self._lines.were_searched
        self._editor.open(phase, self.failing, think=think and not mends, answers=not mends)
        round_ = Round(self._tree.state(), self._editor.talk.messages)
        if mends:
            self._mend(phase, round_)
        gave_up = ""
        if not self._has_gained(round_):
            self._trials.back_to(round_)
            if mends:
                self._editor.open(phase, self.failing, think=think)
                round_.messages = self._editor.talk.messages
            gave_up = self._write(phase, round_, lines=not mends)
        if round_.best:
            self._tree.restore(round_.best.files)
        return round_ if round_.best or not gave_up else gave_up

    def afresh(self) -> Round | None:
        """Draw attempts from the start of the step, if that was left for later.

        Not where most of what was red is green: of six such draws none was better.
        """
        best = self.standing.best
        if self._has_raced or self._n_candidates() <= 1 or (best and _is_near(best)):
            return None
        self._tree.restore(self.standing.start)
        self._editor.open("edit", self._judge.failing, think=False)
        round_ = Round(self._tree.state(), self._editor.talk.messages)
        self._race("edit", round_)
        self._tree.restore(round_.best.files if round_.best else self.standing.files)
        return round_

    def _write(self, phase: Phase, round_: Round, *, lines: bool) -> str:
        """Have the model write an attempt, and more where that is no gain; return why it gave up.

        An attempt that is a gain is gone on from with its failures in sight, in the next round.
        """
        if gave_up := self._editor.edit(phase):
            return gave_up
        self.test(round_)
        if self._has_code:
            if lines:
                self._try_lines(phase, round_, None)
            self._climb(phase, round_)
        races = phase == "edit" or self._judge.is_asked or not self._is_small
        if races and not self._has_gained(round_):
            self._race(phase, round_)
            if self._has_code:
                self._climb(phase, round_)
        return ""

    @property
    def _has_code(self) -> bool:
        """Whether a round begins with code that may be nearly right, and not with what lacks it."""
        return self._judge.is_asked or self.standing.base is not None

    @property
    def failing(self) -> TestRun | None:
        """The tests that the model is shown."""
        base = self.standing.base
        return base.judged.shown if base else self._judge.failing

    def test(self, round_: Round) -> bool:
        """Test what the present attempt of a round wrote; return whether that is enough."""
        return self._trials.score(round_)

    def _race(self, phase: Phase, round_: Round) -> None:
        """Draw further attempts from where the round began, until the tests are content with one.

        Each starts from the same prompt and the same files; identical ones are tested once. The
        tree is left as the best attempt had it.
        """
        n = self._n_candidates()
        if n <= 1 or round_.is_won:
            return
        self._has_raced = True
        self._editor.draws.number = 1
        self._trials.back_to(round_)
        if self._variants.are_bodies(phase):
            self._variants.bodies(phase, n - 1, lambda action: self._take(action, round_))
        else:
            while self._editor.draws.number < n and not round_.is_won:
                self._trials.back_to(round_)
                if not self._editor.edit(phase):
                    self.test(round_)
                self._editor.draws.number += 1
        self._editor.draws.number = 0

    def _climb(self, phase: Phase, round_: Round) -> None:
        """Go on from the best attempt of a round, again and again while that is a gain.

        By lines and by attempts that part from it; lines first if most of what was red is green.
        Where no attempt is a gain, from the code as it was.
        """
        while not round_.is_won:
            least = self.standing.rank
            base = round_.best
            if base and base.judged.rank <= least:
                base = None
            rank = base.judged.rank if base else least
            if rank in round_.climbed:
                return
            round_.climbed.add(rank)
            if base is None:
                self._branch(phase, round_, base)
                continue
            ways = [self._try_lines, self._branch]
            for way in ways if _is_near(base) else reversed(ways):
                if not self._is_outdone(base, round_):
                    way(phase, round_, base)

    def _is_outdone(self, base: Tested, round_: Round) -> bool:
        return round_.best is not None and round_.best.judged.rank > base.judged.rank

    def _mend(self, phase: Phase, round_: Round) -> None:
        """Change a little of what is there; what is mostly wrong is no matter of a line."""
        best = self.standing.best
        if self._judge.is_asked or (best and _is_near(best)):
            self._try_lines(phase, round_, None)
            self._climb(phase, round_)
            return
        self._climb(phase, round_)
        if not self._has_gained(round_):
            self._try_lines(phase, round_, None)
            self._climb(phase, round_)

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

        self._trials.back_to(round_, base)
        if base is None:  # else what fails of it is not in the prompt, and may tell more
            if (state := self._tree.patch()) in self._parted:
                return
            self._parted.add(state)
        self._variants.branches(phase, failing, n, take)

    def _failing_of(self, base: Tested | None) -> TestRun | None:
        return (base.judged.shown if base else self.failing) or self._judge.failing_examples

    def _has_gained(self, round_: Round) -> bool:
        """Whether the best attempt of a round is better than all before, and breaks nothing."""
        if round_.best is None:
            return False
        judged = round_.best.judged
        return judged.rank > self.standing.rank and not judged.newly_failed

    def _try_lines(self, phase: Phase, round_: Round, base: Tested | None) -> None:
        """Test edits of one line each, where the model hesitates over an attempt, or the start."""
        failing = self._failing_of(base)
        if failing is not None and not round_.is_won:
            self._lines.search(phase, failing, round_, base)

    def _take(self, action: Action, round_: Round, base: Tested | None = None) -> bool:
        """Apply and test one of several bodies, each of them from the same state."""
        self._ports.stop.check()
        self._trials.back_to(round_, base)
        if not action.call or self._editor.apply(action):
            return False
        with self._tests.pressed():
            return self.test(round_)

    def _n_candidates(self) -> int:
        """Attempts of a round: one where nothing can choose among several."""
        if not self._judge.can_choose:
            return 1
        return self._ports.settings.loop.candidates or self._ports.profile.candidates


def _is_near(attempt: Tested) -> bool:
    """Whether most of what was red is green: what is drawn anew is then worse."""
    shown, n_won = attempt.judged.shown, len(attempt.judged.newly_passed)
    return shown is not None and n_won > 0 and n_won >= shown.n_failed
