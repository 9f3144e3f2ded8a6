"""Other answers than the first: drawn side by side, parting from what is there, or of one line.

The editor says what may be written and how it is asked for; who tests takes or leaves each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qwenagent.grammar import forced_call
from qwenagent.loop.editing.asker import Action, Question, takes_body
from qwenagent.loop.editing.doubtful import LineEdit, Passage, line_edits, passages
from qwenagent.loop.editing.editor import Editor
from qwenagent.loop.editing.partings import Parting, chosen
from qwenagent.loop.evidence.suspects import Spectrum
from qwenagent.loop.ports import Ports
from qwenagent.protocol.checks import TestRun
from qwenagent.protocol.events import Phase
from qwenagent.protocol.messages import Alternative, Sampling

SPREAD = 3
"""Doubts that are looked for by each branch: of one line not more than one, if there are others."""
LEAST_OF_PASSAGE = 8
"""Lines of each passage, of several, that are tried where the model doubts them."""


class Variants:
    """The variants of one step's answers."""

    def __init__(self, ports: Ports, editor: Editor) -> None:
        """They are of the tree as it is when they are asked for."""
        self._ports = ports
        self._editor = editor
        self._tree = ports.workspace
        self._doubted: Mapping[str, str] = {}
        """The files whose single lines were tried last, by path."""
        self._doubts: list[Parting] = []
        """What the model would rather have written in them."""

    def are_bodies(self, phase: Phase) -> bool:
        """Whether nothing but the body of one call is to be written, and that is all."""
        offers = self._editor.offers(phase)
        call = forced_call(offers)
        return self._editor.is_one_place and call is not None and takes_body(offers, call)

    def bodies(self, phase: Phase, n: int, take: Callable[[Action], bool]) -> None:
        """Have `n` bodies written side by side; see `Asker.ask_for_bodies`."""
        offers = self._editor.offers(phase)
        most = self._editor.draws.most_tokens(self._editor.shown(offers))
        sampling = self._editor.sampling(most)
        question = self._editor.question(offers, phase, sampling)
        self._editor.asker.ask_for_bodies(question, n, take)

    def branches(
        self, phase: Phase, failing: TestRun, n: int, take: Callable[[Action], bool]
    ) -> None:
        """Have up to `n` files written anew, of long ones functions, parting from what they hold.

        They part where the model doubts it most, and go on by themselves; see `Asker.branches`.
        """
        offers = self._editor.offers(phase)
        draws, messages = self._editor.draws, self._editor.talk.messages
        most = min(draws.most_tokens(self._editor.shown(offers)), draws.room(messages))
        question = self._editor.question(offers, phase, Sampling(max_tokens=most))
        texts = self._editor.changeable()
        lines_tried = self._doubted == texts
        doubts = self._doubts
        if not lines_tried:
            doubts = self._read(question, self._passages(question, texts, failing), SPREAD * n)
        if found := chosen(doubts, texts, n, lines_tried=lines_tried):
            self._editor.asker.branches(question, found, take)

    def _read(self, question: Question, parts: list[Passage], n: int) -> list[Parting]:
        """Return where the model doubts passages, up to `n` places of each."""
        found: list[Parting] = []
        for passage in parts:

            def note(other: Alternative, passage: Passage = passage) -> bool:
                found.append(Parting(passage, other))
                return False

            self._editor.asker.alternatives(question, passage, n, note)
        return found

    def lines(
        self,
        phase: Phase,
        failing: TestRun,
        n: int,
        take: Callable[[LineEdit], bool],
        *,
        focused: bool,
    ) -> None:
        """Hand over edits of single lines where the model would have written another one.

        `focused`: with nothing in sight but a file and what fails, of which the 1.5B knew which
        line was wrong in two of four programs, with the whole task in sight in another one.
        `take` gets each, of a passage the likeliest first; they are of the files as they are now.
        True ends the search.
        """
        sampling = self._editor.sampling(self._ports.profile.max_body_tokens)
        question = self._editor.question(self._editor.offers(phase), phase, sampling)
        texts = self._editor.changeable()
        found = self._passages(question, texts, failing)
        n_each = max(n // max(len(found), 1), LEAST_OF_PASSAGE)
        self._doubted, self._doubts = texts, []
        for passage in found:

            def take_edits(other: Alternative, passage: Passage = passage) -> bool:
                self._doubts.append(Parting(passage, other))
                return any(take(edit) for edit in line_edits(texts[passage.path], passage, other))

            asked = question
            if focused:
                code = f"{passage.begin}{passage.text}"
                asked = self._editor.focused(question, passage.path, code, failing)
            if self._editor.asker.alternatives(asked, passage, n_each, take_edits):
                return

    def _passages(
        self, question: Question, texts: Mapping[str, str], failing: TestRun
    ) -> list[Passage]:
        whole, spectrum = self._ports.profile.whole_file_lines, Spectrum.of(failing, self._tree)
        prompt = "\n".join(message.text for message in question.messages)
        return passages(texts, whole, failing, spectrum, self._tree.files(), prompt)
