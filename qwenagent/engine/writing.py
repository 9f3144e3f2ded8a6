"""One answer while it is written: its tokens, its text, its place in the grammar, its end."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qwenagent.engine import family
from qwenagent.engine.chooser import Chooser
from qwenagent.engine.llama import Model
from qwenagent.engine.odds import View, view_of_choice, view_of_forced
from qwenagent.engine.runaway import PromptLines, runs_away
from qwenagent.protocol.messages import Completion, Doubt, StopReason, Usage


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to see while answers are written, and how it says stop."""

    on_text: Callable[[int, str], None]
    on_prefill: Callable[[int, int], None]
    cancelled: Callable[[], bool]
    accept: Callable[[Completion], bool] = lambda _: False
    """Asked after each of several answers: True ends the others."""
    doubts: bool = False
    """Whether the answers are to tell where the grammar overruled the model."""


@dataclass(frozen=True, slots=True)
class ReadPrompt:
    """How a prompt came into the cache."""

    ids: list[int]
    lines: PromptLines
    n_cached: int
    seconds: float
    is_whole: bool = True
    """False if it was cancelled."""

    @property
    def usage(self) -> Usage:
        """What it cost."""
        return Usage(len(self.ids), self.n_cached, prefill_s=self.seconds, calls=1)


LEAST_JUMP = 2
"""Fewer forced tokens are not worth a look at the tokenizer."""
_IN_VALUE = re.compile(r'": (?:"[^"]*|-?[0-9]*)\Z')
"""How a text ends within the value of an argument."""


@dataclass(frozen=True, slots=True)
class Look:
    """A place in text that was forced: what would the model have written there?"""

    index: int
    """Of the token before it, among those that are to be read."""
    at: int
    """Characters of the answer before it."""
    token: int
    """What was written there."""
    forced: bytes
    """That and what has to come behind it."""


class Writing:
    """Takes tokens until the answer is at its end."""

    def __init__(
        self,
        model: Model,
        chooser: Chooser,
        max_tokens: int,
        *,
        ends_when_complete: bool,
        on_text: Callable[[str], None],
        prompt: PromptLines,
        watched: bool = False,
    ) -> None:
        """One that is `watched` tells its doubts, if it has a grammar."""
        self.tokens: list[int] = []
        self.text = ""
        self.stop: StopReason | None = None
        """None while it goes on."""
        self.decode_s = 0.0
        self.n_jumped = self.n_guessed = self.n_right = 0
        self.chooser = chooser
        self.looks: list[Look] = []
        """Places in the text that was jumped over last, if it is watched."""
        self._model = model
        self._max_tokens = max_tokens
        self._ends_when_complete = ends_when_complete
        self._on_text = on_text
        self._prompt = prompt
        self._watched = watched and chooser.constraint is not None
        self._doubts: list[Doubt] = []
        self._is_in_forced = False
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")

    @property
    def ended(self) -> bool:
        """Whether the answer is at its end."""
        return self.stop is not None

    def choose(self, logits: NDArray[np.float32]) -> int:
        """Choose the next token, which is then to be taken; see `Chooser.choose`."""
        constraint = self.chooser.constraint
        if not self._watched or constraint is None:
            return self.chooser.choose(logits)
        view = view_of_choice(logits, constraint, self._model)
        token = self.chooser.choose(logits)
        if self._counts(view.is_choice):
            self._note(view, len(self.text), token)
        return token

    def look(self, look: Look, logits: NDArray[np.float32]) -> None:
        """Note what the model would have written at one of `looks`."""
        self._note(view_of_forced(logits, look.forced, self._model), look.at, look.token)

    def _note(self, view: View, at: int, token: int) -> None:
        if doubt := view.doubt(at, self._model.piece(token)):
            self._doubts.append(doubt)

    def _counts(self, is_choice: bool) -> bool:
        """Return whether a doubt about the next token would matter.

        In forced text the model is asked where that begins and where it is an argument's value:
        the keys between them are nobody's choice.
        """
        counts = is_choice or not self._is_in_forced or bool(_IN_VALUE.search(self.text))
        self._is_in_forced = not is_choice
        return counts

    def take(self, token: int) -> bool:
        """Add a token that was chosen; return whether the answer is at its end."""
        if token in family.ENDS_OF_TURN:
            self.stop = "stop"
            return True
        self.tokens.append(token)
        if new := self._utf8.decode(self._model.piece(token)):
            self.text += new
            self._on_text(new)
        if self._ends_when_complete and self.chooser.may_end():
            self.stop = "stop"
        elif runs_away(self.tokens, self.text, self._prompt):
            self.stop = "repetition"
        elif len(self.tokens) >= self._max_tokens:
            self.stop = "length"
        return self.stop is not None

    def jump(self) -> list[int]:
        """Take what has to come next and return it; the last forced token is left to the model.

        Forced text is cut where the model would cut it: `"` and the name behind it may be one
        token, so what follows must be known first. At a forced end nothing is left, except by a
        watched answer: what it jumps over has to be read for the model's view of it.
        """
        self.looks = []
        constraint = self.chooser.constraint
        if constraint is None:
            return []
        forced, ended = constraint.forced()
        ids = self._model.tokenize(self.text + forced.decode("utf-8", "ignore"))
        n = len(self.tokens)
        new = ids[n:] if ended and not self._watched else ids[n:-1]
        least = 1 if ended and self._watched else LEAST_JUMP
        if ids[:n] != self.tokens or len(new) < least:
            return []
        taken: list[int] = []
        for token in new:
            if not constraint.allows(token):
                break
            constraint.accept(token)
            if self._watched and self._counts(is_choice=False):
                self.looks.append(Look(len(taken), len(self.text), token, forced))
            taken.append(token)
            forced = forced[len(self._model.piece(token)) :]
            if self.take(token):
                break
        self.n_jumped += len(taken)
        return taken

    def legal(self, guess: Sequence[int]) -> list[int]:
        """Return the beginning of a guess that the grammar allows and that ends nothing."""
        room = self._max_tokens - len(self.tokens) - 1
        ahead = self.chooser.constraint.clone() if self.chooser.constraint else None
        found = []
        for token in guess[:room]:
            if token >= family.FIRST_SPECIAL or (ahead and not ahead.allows(token)):
                break
            if ahead:
                ahead.accept(token)
            found.append(token)
        if ahead:
            ahead.close()
        return found

    def completion(self, read: ReadPrompt, *, first: bool = True) -> Completion:
        """Return the answer as it is; of several the first one pays for the prompt."""
        counts = self.chooser.counts
        usage = Usage(
            prompt_tokens=len(read.ids),
            cached_tokens=read.n_cached if first else len(read.ids),
            completion_tokens=len(self.tokens),
            prefill_s=read.seconds if first else 0.0,
            decode_s=self.decode_s,
            calls=1,
            sampled_ok=counts.ok,
            sampled_top=counts.top,
            sampled_full=counts.full,
            jumped=self.n_jumped,
            guessed=self.n_guessed,
            guessed_right=self.n_right,
        )
        doubts = tuple(self._doubts)
        return Completion(self.text, self.stop or "cancelled", usage, doubts)
