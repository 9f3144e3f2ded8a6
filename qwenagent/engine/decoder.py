"""Answers to one prompt: reuse what the cache holds, read the rest, write one answer or several.

Knows tokens and the model, no processes and no tools.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from qwenagent.engine.chooser import Chooser
from qwenagent.engine.constraint import Grammars
from qwenagent.engine.context import MAX_FORKS, MAX_ROWS, N_BATCH, Aborted, Context
from qwenagent.engine.forks import Forks
from qwenagent.engine.llama import Model
from qwenagent.engine.lookup import Lookup
from qwenagent.engine.pace import Pace, measure, remembered
from qwenagent.engine.saved import SavedPrompts
from qwenagent.engine.writing import ReadPrompt, Watch, Writing
from qwenagent.errors import ContextOverflow
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Prompt, Sampling, Usage

LEAST_AGREED = 6
"""Tokens; what agrees in fewer is chance."""


class Decoder:
    """Answers prompts with one model and one KV cache."""

    def __init__(
        self,
        model: Model,
        context: Context,
        *,
        saved: SavedPrompts | None = None,
        cache: Path | None = None,
        jumps: bool = True,
        guesses: bool = True,
    ) -> None:
        """Without `saved` no prompt is kept on disk; `cache` is the folder for measured costs."""
        self.model = model
        self.context = context
        self.grammars = Grammars(model)
        self._saved = saved
        self._cache = cache
        self._jumps = jumps
        self._guesses = guesses
        self._pace: Pace | None = None

    def complete(
        self,
        prompt: Prompt,
        grammar: Grammar | None,
        samplings: Sequence[Sampling],
        watch: Watch,
    ) -> list[Completion]:
        """Return an answer for each sampling, or fewer; see `Engine.complete`."""
        ids = self.model.encode(prompt)
        self._check_room(len(ids), max(s.max_tokens for s in samplings))
        start = time.perf_counter()
        cached = self._reuse(ids)
        if not self._prefill(ids, watch):
            usage = Usage(len(ids), cached, prefill_s=time.perf_counter() - start, calls=1)
            return [Completion("", "cancelled", usage)]
        read = ReadPrompt(ids, cached, time.perf_counter() - start)
        if len(samplings) == 1:
            with _Writings(self, grammar, samplings, [0], watch) as (writing,):
                self._write(writing, ids, watch)
                return [writing.completion(read)]
        return self._candidates(grammar, samplings, read, watch)

    def _check_room(self, n_prompt: int, max_tokens: int) -> None:
        if n_prompt + max_tokens > self.context.n_ctx:
            raise ContextOverflow(
                f"prompt is {n_prompt} tokens and the answer may be {max_tokens}, "
                f"n_ctx is {self.context.n_ctx}",
                hint="raise n_ctx or put less into the prompt",
            )

    # -- the prompt ---------------------------------------------------------------------------

    def _reuse(self, ids: list[int]) -> int:
        """Keep the longest common beginning, of the cache or of a prompt on disk.

        At least one token is read anew, for its logits.
        """
        if self._saved:
            self._saved.load_better(self.context, ids)
        n = _n_common(self.context.tokens, ids, len(ids) - 1)
        self.context.keep(n)
        return n

    def _prefill(self, ids: list[int], watch: Watch) -> bool:
        """Read what the cache lacks; False if cancelled."""
        first = len(self.context.tokens)
        try:
            for at in range(first, len(ids), N_BATCH):
                if watch.cancelled():
                    return False
                self.context.decode(ids[at : at + N_BATCH])
                watch.on_prefill(len(self.context.tokens) - first, len(ids) - first)
        except Aborted:
            return False
        if self._saved:
            self._saved.keep(self.context)
        return True

    # -- one answer ---------------------------------------------------------------------------

    def _write(self, writing: Writing, ids: list[int], watch: Watch) -> None:
        """Write one answer behind the prompt in the cache."""
        lookup = Lookup(ids) if self._guesses else None
        if self._pace:
            self._pace.reset()
        start = time.perf_counter()
        try:
            self._go_on(writing, lookup, watch)
        except Aborted:
            writing.stop = "cancelled"
        writing.decode_s = time.perf_counter() - start

    def _go_on(self, writing: Writing, lookup: Lookup | None, watch: Watch) -> None:
        token: int | None = writing.choose(self.context.logits())
        while token is not None and not writing.take(token):
            if watch.cancelled():
                writing.stop = "cancelled"
                return
            jumped = writing.jump() if self._jumps else []
            token = None if writing.ended else self._next(writing, [token, *jumped], lookup)

    def _next(self, writing: Writing, pending: list[int], lookup: Lookup | None) -> int | None:
        """Read what was taken, and a guess behind it if that pays.

        Returns the token after that, not taken yet; None if the answer is at its end.
        """
        guess = self._guess(writing, pending, lookup) if lookup else []
        self.context.decode([*pending, *guess], n_rows=len(guess) + 1)
        before = len(self.context.tokens) - len(guess)
        token = writing.choose(self.context.logits(len(pending) - 1))
        n_right = 0
        for row, guessed in enumerate(guess, len(pending)):
            if token != guessed or writing.take(token):
                break
            n_right += 1
            token = writing.choose(self.context.logits(row))
        if guess and self._pace:
            self.context.keep(before + n_right)
            self._pace.learn(len(guess), n_right)
            if lookup:
                lookup.extend(guess[:n_right])
            writing.n_guessed += len(guess)
            writing.n_right += n_right
        return None if writing.ended else token

    def _guess(self, writing: Writing, pending: list[int], lookup: Lookup) -> list[int]:
        lookup.extend(pending)
        guess, agreed = lookup.guess(MAX_ROWS - 1)
        if agreed < LEAST_AGREED or len(self.context.tokens) + 2 * MAX_ROWS > self.context.n_ctx:
            return []
        self._pace = self._pace or self._measured_pace(pending[0])
        n = self._pace.worth(agreed, len(guess))
        return writing.legal(guess[:n]) if n else []

    def _measured_pace(self, token: int) -> Pace:
        """Return the costs of batches on this machine, measured behind the present text."""
        n_held = len(self.context.tokens)

        def read(n: int) -> None:
            self.context.decode([token] * n, n_rows=n)
            self.context.keep(n_held)

        path = self._cache / "costs.json" if self._cache else None
        return Pace(remembered(path, self.model.describe(), lambda: measure(read)))

    # -- several answers ----------------------------------------------------------------------

    def _candidates(
        self,
        grammar: Grammar | None,
        samplings: Sequence[Sampling],
        read: ReadPrompt,
        watch: Watch,
    ) -> list[Completion]:
        """Write answers side by side, as many at a time as the cache has room for."""
        found: dict[int, Completion] = {}
        at = 0
        logits = self.context.logits().copy()
        while at < len(samplings):
            room = self.context.n_ctx - len(read.ids)
            n = max(1, min(MAX_FORKS, room // max(s.max_tokens for s in samplings)))
            numbers = list(range(at, min(at + n, len(samplings))))
            wave = [samplings[i] for i in numbers]
            with _Writings(self, grammar, wave, numbers, watch) as writings:
                forks = Forks(self.context, dict(zip(numbers, writings, strict=True)), watch)
                enough = forks.write(logits, read, found)
            if enough:
                break
            at += n
        return [found[i] for i in sorted(found)]


class _Writings:
    """Makes the writings of some samplings, and frees what they hold."""

    def __init__(
        self,
        decoder: Decoder,
        grammar: Grammar | None,
        samplings: Sequence[Sampling],
        numbers: Sequence[int],
        watch: Watch,
    ) -> None:
        self._decoder = decoder
        self._grammar = grammar
        self._pairs = list(zip(numbers, samplings, strict=True))
        self._watch = watch
        self._stack = ExitStack()

    def __enter__(self) -> list[Writing]:
        return [self._make(number, sampling) for number, sampling in self._pairs]

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _make(self, number: int, sampling: Sampling) -> Writing:
        grammar, constraint = self._grammar, None
        if grammar:
            constraint = self._decoder.grammars.constraint(grammar)
            self._stack.callback(constraint.close)
        chooser = Chooser(sampling, constraint)
        self._stack.callback(chooser.close)
        return Writing(
            self._decoder.model,
            chooser,
            sampling.max_tokens,
            ends_when_complete=bool(grammar and grammar.ends_when_complete),
            on_text=lambda text: self._watch.on_text(number, text),
        )


def _n_common(held: Sequence[int], wanted: Sequence[int], limit: int) -> int:
    n = 0
    limit = min(limit, len(held))
    while n < limit and held[n] == wanted[n]:
        n += 1
    return n
