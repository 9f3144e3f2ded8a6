"""An engine that answers from a list: for tests of control flow, and of nothing else.

It refuses what its grammar refuses, so that a script cannot say what the model could not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from qwenagent.engine import family
from qwenagent.engine.base import Accept, Take
from qwenagent.errors import ContextOverflow, EngineError
from qwenagent.grammar import Grammar, Recogniser
from qwenagent.protocol.messages import (
    Alternative,
    Alternatives,
    Cancel,
    Completion,
    EngineInfo,
    OnPrefill,
    OnText,
    Prompt,
    Reading,
    Sampling,
    Span,
    StopReason,
    Usage,
)

Reply = str | Completion | Exception | Callable[[Prompt], str]


@dataclass(slots=True)
class ScriptedEngine:
    """Implements `Engine`. A reply is a text, a completion, an error or a function of the prompt.

    `prompts` collects what it was asked. A token is four characters here.
    """

    replies: Iterable[Reply]
    n_ctx: int = 8192
    prompts: list[Prompt] = field(default_factory=list)
    max_tokens: list[int] = field(default_factory=list)
    """Of each of these questions."""
    others: list[Sequence[Alternative]] = field(default_factory=list)
    """What `alternatives` finds, call by call; then nothing."""
    readings: list[Reading] = field(default_factory=list)
    """What it was asked for them."""

    def __post_init__(self) -> None:
        self.replies = iter(self.replies)

    @property
    def read(self) -> list[str]:
        """The texts of which `alternatives` was asked."""
        return [reading.text for reading in self.readings]

    def complete(
        self,
        prompt: Prompt,
        *,
        sampling: Sampling,
        grammar: Grammar | None = None,
        n: int = 1,
        accept: Accept | None = None,
        cancel: Cancel | None = None,
        on_text: OnText | None = None,
        on_prefill: OnPrefill | None = None,
        doubts: bool = False,
    ) -> list[Completion]:
        """See `Engine.complete`. The doubts are those of the reply, if it is a completion."""
        if self.count(prompt) + sampling.max_tokens > self.n_ctx:
            raise ContextOverflow(
                f"prompt is {self.count(prompt)} tokens and the answer may be "
                f"{sampling.max_tokens}, n_ctx is {self.n_ctx}"
            )
        self.prompts.append(prompt)
        self.max_tokens.append(sampling.max_tokens)
        if on_prefill:
            on_prefill(self.count(prompt), self.count(prompt))
        done: list[Completion] = []
        for i in range(n):
            if cancel and cancel.is_set():
                done.append(Completion("", "cancelled", Usage(calls=1)))
                break
            one = self._one(prompt, grammar)
            done.append(one if doubts else replace(one, doubts=()))
            if on_text:
                on_text(i, done[-1].text)
            if accept and accept(done[-1]):
                break
        return done

    def _one(self, prompt: Prompt, grammar: Grammar | None) -> Completion:
        reply = next(iter(self.replies), None)
        if reply is None:
            raise EngineError(f"the script has no reply to call {len(self.prompts)}")
        if isinstance(reply, Exception):
            raise reply
        if isinstance(reply, Completion):
            return reply
        text = reply if isinstance(reply, str) else reply(prompt)
        usage = Usage(self.count(prompt), 0, self.count(text), calls=1)
        return Completion(text, _check(text, grammar), usage)

    def alternatives(
        self,
        reading: Reading,
        *,
        take: Take | None = None,
        cancel: Cancel | None = None,
        on_prefill: OnPrefill | None = None,
    ) -> Alternatives:
        """See `Engine.alternatives`."""
        self.readings.append(reading)
        found = self.others.pop(0) if self.others else ()
        inside = [a for a in found if _lies_within(a, reading.spans)][: reading.n]
        taken = next((i for i, a in enumerate(inside, 1) if take and take(a)), len(inside))
        return Alternatives(tuple(inside[:taken]), Usage(self.count(reading.prompt), calls=1))

    def count(self, text: str | Prompt) -> int:
        """See `Engine.count`."""
        if isinstance(text, str):
            return -(-len(text) // 4)
        return sum(-(-len(s.text) // 4) or 1 for s in family.render(text))

    def describe(self) -> EngineInfo:
        """See `Engine.describe`."""
        return EngineInfo("scripted", "none", self.n_ctx, 1, "none")

    def close(self) -> None:
        """See `Engine.close`."""


def _lies_within(one: Alternative, spans: Iterable[Span]) -> bool:
    return any(span.start <= one.start < span.end for span in spans)


def _check(text: str, grammar: Grammar | None) -> StopReason:
    if grammar is None:
        return "stop"
    recogniser = Recogniser(grammar.text)
    for i, char in enumerate(text):
        if not recogniser.feed(char):
            raise EngineError(
                f"the grammar of {grammar.origin} refuses {text[i : i + 20]!r} after {text[:i]!r}"
            )
    return "stop" if recogniser.complete else "length"
