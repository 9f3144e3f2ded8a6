"""One answer while it arrives: its text, its place in the grammar, its end, its bill."""

from __future__ import annotations

import time

from qwenagent.engine.remote.served import Piece
from qwenagent.engine.runaway import EVERY_TOKENS, PromptLines, runs_away
from qwenagent.errors import EngineError
from qwenagent.grammar import Grammar, Recogniser
from qwenagent.protocol.messages import Completion, StopReason, Usage


class Answer:
    """Takes pieces until the answer is at its end.

    Raises:
        InvalidGrammar: the grammar does not parse. So none that would end the server reaches it.
    """

    def __init__(
        self, host: str, n_prompt: int, lines: PromptLines, grammar: Grammar | None
    ) -> None:
        self.text = ""
        self.stop: StopReason | None = None
        """None while it goes on."""
        self._host = host
        self._grammar = grammar
        self._place = Recogniser(grammar.text) if grammar else None
        self._tokens: list[int] = []
        self._n_prompt = n_prompt
        self._lines = lines
        self._cached = self._n_written = 0
        self._start = time.monotonic()
        self._first_text: float | None = None
        self._prefill_s: float | None = None
        self._decode_s: float | None = None

    def take(self, piece: Piece) -> None:
        """Add what has come.

        Raises:
            EngineError: it is not what the grammar allows.
        """
        self._note(piece)
        if piece.text:
            self.text += piece.text
            self._follow(piece.text)
        if piece.stop:
            self._end(piece.stop)
        elif self._is_enough:
            self.stop = "stop"
        elif self._runs_away(len(piece.tokens)):
            self.stop = "repetition"

    def completion(self, stop: StopReason | None = None) -> Completion:
        """Return the answer as it is."""
        usage = Usage(
            prompt_tokens=self._n_prompt,
            cached_tokens=self._cached,
            completion_tokens=self._n_written,
            prefill_s=self._spent(self._start, self._first_text, self._prefill_s),
            decode_s=self._spent(self._first_text, None, self._decode_s),
            calls=1,
        )
        return Completion(self.text, stop or self.stop or "cancelled", usage)

    @property
    def _is_enough(self) -> bool:
        """Whether the text is a sentence that could go on, and need not.

        What cannot go on is ended by the server itself, one token later: it keeps its slot, and
        with it the prompt, for the next question.
        """
        if self._grammar is None or self._place is None or not self._grammar.ends_when_complete:
            return False
        return self._place.complete and bool(self._place.next_chars())

    def _note(self, piece: Piece) -> None:
        self._tokens += piece.tokens
        if piece.cached_tokens is not None:
            self._cached = piece.cached_tokens
        if piece.completion_tokens is not None:
            self._n_written = piece.completion_tokens
        if piece.prefill_s is not None:
            self._prefill_s, self._decode_s = piece.prefill_s, piece.decode_s
        if piece.text and self._first_text is None:
            self._first_text = time.monotonic()

    def _follow(self, text: str) -> None:
        if self._place and not self._place.feed(text):
            raise self._not_held(f"writes {text[:40]!r} where it cannot stand")

    def _end(self, stop: StopReason) -> None:
        complete = self._place is None or self._place.complete
        if stop == "stop" and not complete:
            raise self._not_held(f"ends after {self.text[-40:]!r}")
        held = self._grammar is not None and self._grammar.ends_when_complete
        self.stop = "stop" if complete and held else stop

    def _not_held(self, how: str) -> EngineError:
        origin = self._grammar.origin if self._grammar else ""
        return EngineError(
            f"{self._host} does not hold to the grammar of {origin}: it {how}",
            hint="a server or a proxy that ignores grammars cannot be used",
        )

    def _runs_away(self, n_new: int) -> bool:
        n = len(self._tokens)
        if n // EVERY_TOKENS == (n - n_new) // EVERY_TOKENS:
            return False
        return runs_away(self._tokens[: n - n % EVERY_TOKENS], self.text, self._lines)

    def _spent(self, since: float | None, until: float | None, told: float | None) -> float:
        if told is not None or since is None:
            return told or 0.0
        return (until or time.monotonic()) - since
