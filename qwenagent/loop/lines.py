"""Edits of one line each, tried by the dozen: one in a hundred is right.

Where commands can be shown trees of their own several are looked at side by side; what looks like
a gain there is then tested as every attempt is.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from qwenagent.loop.attempts import Round, Tested
from qwenagent.loop.editing.doubtful import LineEdit, neighbours
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.variants import Variants
from qwenagent.loop.evidence.glances import Glances
from qwenagent.loop.evidence.judging import Judge
from qwenagent.loop.evidence.testing import Tests
from qwenagent.loop.ports import Ports
from qwenagent.loop.trials import Trials
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import LineTried, Phase
from qwenagent.workspace import Edit, PreImage

DOUBTS_S = 90.0
"""Longest time for the doubtful lines of one state where a fault is looked for, else half of it."""
BOUNDS_S = 45.0
"""Time after that for other bounds in those that were a gain."""

Rank = tuple[int, ...]


class Lines:
    """The lines of one step: what was tried from one state is not tried again from another."""

    def __init__(
        self,
        ports: Ports,
        tests: Tests,
        judge: Judge,
        editor: Editor,
        variants: Variants,
        trials: Trials,
    ) -> None:
        """Nothing is read or written before they are asked for."""
        self._ports = ports
        self._tests = tests
        self._judge = judge
        self._editor = editor
        self._variants = variants
        self._trials = trials
        self._glances = Glances(ports, tests, judge)
        self._n_wanted = ports.settings.loop.doubts
        self._tried: set[str] = set()
        """Patches that differ from a state in one line."""
        self._searched: Counter[str] = Counter()
        """How often lines were tried of a state, by the patch that makes it."""

    @property
    def were_searched(self) -> bool:
        """Whether the lines of the tree as it is were tried, in each of two ways.

        So they are, too, where they are not to be tried at all.
        """
        return not self._n_wanted or self._searched[self._ports.workspace.patch()] > 1

    def search(self, phase: Phase, failing: TestRun, round_: Round, base: Tested | None) -> None:
        """Test lines where the model hesitates over an attempt, or over what the round began with.

        The likeliest first, then those that were a gain with other bounds. The first time with
        nothing but the code and what fails in sight, then with the whole task: each finds others.
        """
        self._trials.back_to(round_, base)
        if self.were_searched:
            return
        state = self._ports.workspace.patch()
        focused = not self._searched[state]
        self._searched[state] += 1
        known = base.judged.rank if base else self._trials.standing.rank
        search = _Search(round_, base, DOUBTS_S if self._judge.is_asked else DOUBTS_S / 2)
        n = self._n_wanted
        with self._tests.hurried():
            self._variants.lines(
                phase, failing, n, lambda line: self._take(line, search, known), focused=focused
            )
            self._look(search)
            search.ends = max(search.ends, time.monotonic() + BOUNDS_S)
            while search.gains and not search.is_over:
                search.gains.sort(key=lambda gain: gain[0])
                rank, line = search.gains.pop()
                for other in neighbours(line):
                    if self._take(other, search, rank):
                        break
                self._look(search)

    def _take(self, line: LineEdit, search: _Search, outdone: Rank) -> bool:
        """Test a line, or hold it until there are enough for a look; return whether to end."""
        search.begin()
        self._ports.stop.check()
        self._trials.back_to(search.round, search.base)
        edit, refused = self._editor.try_edit(line.call)
        if edit is None or refused:
            self._tell(line, refused=refused)
            return search.is_over
        patch = self._ports.workspace.patch()
        if patch in self._tried or patch in search.round.patches:
            return search.is_over
        self._tried.add(patch)
        if self._glances.n_at_once <= 1:
            self._test(line, edit, search, outdone)
            return search.is_over
        search.held.append(_Held(line, edit, self._ports.workspace.state(), outdone))
        if len(search.held) >= self._glances.n_at_once:
            self._look(search)
        return search.is_over

    def _look(self, search: _Search) -> None:
        """Look at the lines that are held, side by side, and test those that seem to be a gain."""
        held, search.held = search.held, []
        self._trials.back_to(search.round, search.base)
        runs = self._glances.runs([one.files for one in held])
        for one, run in zip(held, runs, strict=True):
            if search.round.is_won:
                return
            if run is not None and self._judge.rank_of(run) <= one.outdone:
                self._tell(one.line, run)
                continue
            self._trials.back_to(search.round, search.base)
            self._editor.write(one.edit)
            self._test(one.line, one.edit, search, one.outdone)

    def _test(self, line: LineEdit, edit: Edit, search: _Search, outdone: Rank) -> None:
        """Test the line that is in the tree."""
        if not (tested := self._trials.test(search.round)):
            return
        here, is_best = tested
        self._tell(line, here.judged.shown, is_best=is_best)
        if search.round.is_won:
            self._editor.tell(edit)
        if here.judged.rank > outdone and not here.judged.newly_failed:
            search.gains.append((here.judged.rank, line))

    def _tell(
        self,
        line: LineEdit,
        run: TestRun | None = None,
        *,
        refused: str = "",
        is_best: bool = False,
    ) -> None:
        told = LineTried(line.path, line.row, line.old, line.new, refused, best=is_best)
        if run:
            told = replace(told, passed=run.n_passed, failed=run.n_failed)
        self._ports.events.emit(told)


@dataclass(frozen=True, slots=True)
class _Held:
    line: LineEdit
    edit: Edit
    files: Mapping[str, PreImage]
    outdone: Rank


@dataclass(slots=True)
class _Search:
    """The lines of one state."""

    round: Round
    base: Tested | None
    most_s: float
    ends: float = 0.0
    held: list[_Held] = field(default_factory=list)
    gains: list[tuple[Rank, LineEdit]] = field(default_factory=list)

    def begin(self) -> None:
        """Have the time begin, once: reading the prompt may take longer than all of it."""
        self.ends = self.ends or time.monotonic() + self.most_s

    @property
    def is_over(self) -> bool:
        return self.round.is_won or time.monotonic() > self.ends
