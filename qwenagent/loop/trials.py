"""One attempt after the other: begun from a state of the files, tested, kept in its round.

Knows nothing of who writes attempts, and how many.
"""

from __future__ import annotations

from qwenagent.loop.attempts import Round, Standing, Tested
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.evidence.judging import Judge
from qwenagent.loop.ports import Ports
from qwenagent.protocol.events import CandidateScored


class Trials:
    """The attempts at one step."""

    def __init__(self, ports: Ports, judge: Judge, editor: Editor) -> None:
        """They start from the tree as it is."""
        self._judge = judge
        self._editor = editor
        self._tree = ports.workspace
        self._emit = ports.events.emit
        self._n_scored = 0
        self.standing = Standing(judge.start_rank, ports.workspace.state())

    def back_to(self, round_: Round, base: Tested | None = None) -> None:
        """Begin an attempt anew with the files as the round began with them, or as in `base`."""
        self._tree.restore(base.files if base else round_.start)
        self._editor.back(round_.messages, is_changed=base is not None)

    def test(self, round_: Round) -> tuple[Tested, bool] | None:
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

    def score(self, round_: Round) -> bool:
        """Test the present attempt and tell of it; return whether that is enough."""
        if tested := self.test(round_):
            self._tell_score(*tested)
        return round_.is_won

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
