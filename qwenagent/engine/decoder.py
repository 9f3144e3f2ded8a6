"""Answers to one prompt: reuse what the cache holds, read the rest, write one answer or several.

Knows tokens and the model, no processes and no tools.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from qwenagent.engine.chooser import Chooser
from qwenagent.engine.constraint import Grammars
from qwenagent.engine.context import MAX_FORKS, N_BATCH, Aborted, Context
from qwenagent.engine.forks import Forks, Guessing
from qwenagent.engine.llama import Model
from qwenagent.engine.lookup import Lookup
from qwenagent.engine.pace import Pace, measure, remembered
from qwenagent.engine.runaway import PromptLines
from qwenagent.engine.saved import SavedPrompts, n_common
from qwenagent.engine.writing import ReadPrompt, Watch, Writing
from qwenagent.errors import ContextOverflow
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Prompt, Sampling


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
        read = self.read(prompt, max(s.max_tokens for s in samplings), watch)
        if not read.is_whole:
            return [Completion("", "cancelled", read.usage)]
        return self._answers(grammar, samplings, read, watch)

    def read(self, prompt: Prompt, room: int, watch: Watch) -> ReadPrompt:
        """Read a prompt; then there are logits for what comes behind it.

        Raises:
            ContextOverflow: prompt and `room` tokens behind it exceed n_ctx.
        """
        ids = self.model.encode(prompt)
        self._check_room(len(ids), room)
        start = time.perf_counter()
        cached = self._reuse(ids)
        is_whole = self._prefill(ids, watch)
        seconds = time.perf_counter() - start
        return ReadPrompt(ids, PromptLines(prompt), cached, seconds, is_whole)

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
        n = min(n_common(self.context.tokens, ids), len(ids) - 1)
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

    # -- the answers --------------------------------------------------------------------------

    def _answers(
        self,
        grammar: Grammar | None,
        samplings: Sequence[Sampling],
        read: ReadPrompt,
        watch: Watch,
    ) -> list[Completion]:
        """Write answers side by side, as many at a time as the cache has room for."""
        found: list[Completion] = []
        seen: set[str] = set()
        logits = self.context.logits().copy()
        room = self.context.n_ctx - len(read.ids)
        n = max(1, min(MAX_FORKS, room // max(s.max_tokens for s in samplings)))
        guessing = self._guessing(read.ids) if self._guesses else None
        for at in range(0, len(samplings), n):
            numbers = range(at, min(at + n, len(samplings)))
            wanted = {number: samplings[number] for number in numbers}
            with _Writings(self, grammar, wanted, read.lines, watch) as writings:
                forks = Forks(
                    self.context,
                    writings,
                    watch,
                    alone=len(samplings) == 1,
                    guessing=guessing,
                    jumps=self._jumps,
                )
                found += forks.write(logits, read, seen)
            if forks.is_enough:
                break
        return found

    def _guessing(self, ids: Sequence[int]) -> Guessing:
        if self._pace:
            self._pace.reset()
        return Guessing(Lookup(ids), self._measured_pace)

    def _measured_pace(self) -> Pace:
        """Return the costs of batches on this machine, measured behind the present text."""
        if self._pace is None:
            path = self._cache / "costs.json" if self._cache else None
            costs = remembered(path, self.model.describe(), lambda: measure(self._read_and_forget))
            self._pace = Pace(costs)
        return self._pace

    def _read_and_forget(self, n: int) -> None:
        n_held = len(self.context.tokens)
        self.context.decode([self.context.tokens[-1]] * n, n_rows=n)
        self.context.keep(n_held)


class _Writings:
    """Makes the writings of some of the samplings, by number, and frees what they hold."""

    def __init__(
        self,
        decoder: Decoder,
        grammar: Grammar | None,
        samplings: Mapping[int, Sampling],
        prompt: PromptLines,
        watch: Watch,
    ) -> None:
        self._decoder = decoder
        self._grammar = grammar
        self._samplings = samplings
        self._prompt = prompt
        self._watch = watch
        self._stack = ExitStack()

    def __enter__(self) -> dict[int, Writing]:
        return {number: self._make(number, s) for number, s in self._samplings.items()}

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
            prompt=self._prompt,
            watched=self._watch.doubts,
        )
