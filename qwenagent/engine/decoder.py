"""One answer: reuse what the cache holds, read the rest of the prompt, decode, stop.

Knows tokens and the model, no processes and no tools.
"""

from __future__ import annotations

import codecs
import time
from collections.abc import Callable
from dataclasses import dataclass

from qwenagent.engine import family
from qwenagent.engine.chooser import Chooser
from qwenagent.engine.llama import N_BATCH, Context, GrammarState, Model
from qwenagent.engine.runaway import runs_away
from qwenagent.errors import ContextOverflow
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Prompt, Sampling, StopReason, Usage


@dataclass(frozen=True, slots=True)
class Watch:
    """What a caller wants to see while an answer is made, and how it says stop."""

    on_text: Callable[[str], None]
    on_prefill: Callable[[int, int], None]
    cancelled: Callable[[], bool]


@dataclass(slots=True)
class Answer:
    """Tokens and text decoded so far."""

    tokens: list[int]
    text: str
    stop: StopReason


class Decoder:
    """Answers prompts with one model and one KV cache."""

    def __init__(self, model: Model, context: Context) -> None:
        self.model = model
        self.context = context

    def complete(
        self, prompt: Prompt, grammar: Grammar | None, sampling: Sampling, watch: Watch
    ) -> Completion:
        """Return one answer; see `Engine.complete`."""
        ids = self.model.encode(prompt)
        self._check_room(len(ids), sampling.max_tokens)
        start = time.perf_counter()
        cached = self._reuse(ids)
        read = self._prefill(ids, watch)
        prefilled = time.perf_counter()
        state = GrammarState(self.model, grammar.text, grammar.origin) if grammar else None
        chooser = Chooser(sampling, state)
        try:
            ends = bool(grammar and grammar.ends_when_complete)
            answer = (
                self._decode(chooser, sampling.max_tokens, ends, watch)
                if read
                else Answer([], "", "cancelled")
            )
        finally:
            chooser.close()
            if state:
                state.close()
        usage = Usage(
            prompt_tokens=len(ids),
            cached_tokens=cached,
            completion_tokens=len(answer.tokens),
            prefill_s=prefilled - start,
            decode_s=time.perf_counter() - prefilled,
            calls=1,
            sampled_ok=chooser.counts.ok,
            sampled_top=chooser.counts.top,
            sampled_full=chooser.counts.full,
        )
        return Completion(answer.text, answer.stop, usage)

    def _check_room(self, n_prompt: int, max_tokens: int) -> None:
        if n_prompt + max_tokens > self.context.n_ctx:
            raise ContextOverflow(
                f"prompt is {n_prompt} tokens and the answer may be {max_tokens}, "
                f"n_ctx is {self.context.n_ctx}",
                hint="raise n_ctx or put less into the prompt",
            )

    def _reuse(self, ids: list[int]) -> int:
        """Keep the longest common prefix in the cache; at least one token is read anew."""
        held = self.context.tokens
        n = 0
        limit = min(len(held), len(ids) - 1)
        while n < limit and held[n] == ids[n]:
            n += 1
        self.context.keep(n)
        return n

    def _prefill(self, ids: list[int], watch: Watch) -> bool:
        """Read what the cache lacks; False if cancelled."""
        first = len(self.context.tokens)
        for at in range(first, len(ids), N_BATCH):
            if watch.cancelled():
                return False
            self.context.decode(ids[at : at + N_BATCH])
            watch.on_prefill(len(self.context.tokens) - first, len(ids) - first)
        return True

    def _decode(self, chooser: Chooser, max_tokens: int, ends: bool, watch: Watch) -> Answer:
        utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        answer = Answer([], "", "length")
        while len(answer.tokens) < max_tokens:
            if watch.cancelled():
                answer.stop = "cancelled"
                break
            token = chooser.choose(self.context.logits())
            if token in family.ENDS_OF_TURN:
                answer.stop = "stop"
                break
            answer.tokens.append(token)
            if new := utf8.decode(self.model.piece(token)):
                answer.text += new
                watch.on_text(new)
            if ends and chooser.may_end():
                answer.stop = "stop"
                break
            if runs_away(answer.tokens, answer.text):
                answer.stop = "repetition"
                break
            self.context.decode([token])
        return answer
