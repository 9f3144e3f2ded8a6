"""The engine as the rest of the program sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from qwenagent.grammar import Grammar
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
)

Accept = Callable[[Completion], bool]
"""Asked after each candidate; True means that no further one is needed."""


Take = Callable[[Alternative], bool]
"""Asked after each alternative; True means that no further one is needed."""


class Engine(Protocol):
    """Something that continues a prompt. One call at a time; not safe from several threads."""

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
        """Return up to `n` candidates: with `sampling.seed` and the seeds that follow it.

        Fewer come back if `accept` was content with one or `cancel` was set; the last of a
        cancelled call has `stop="cancelled"`.

        With `doubts` each answer tells where the model was overruled or had a choice: for short
        answers under a grammar, at a few percent of their time. An engine that cannot see the
        model's probabilities tells none.

        Raises:
            ContextOverflow: prompt and `sampling.max_tokens` together exceed n_ctx.
            InvalidGrammar: the grammar does not parse.
            EngineCrashed: the engine died over it; it can be called again.
        """
        ...

    def alternatives(
        self,
        reading: Reading,
        *,
        take: Take | None = None,
        cancel: Cancel | None = None,
        on_prefill: OnPrefill | None = None,
    ) -> Alternatives:
        """Return ends of lines that the model would have written in a text, up to `reading.n`.

        The likeliest come first; fewer come back if `take` was content with one. An engine that
        cannot see the model's probabilities finds none.

        Raises:
            ContextOverflow: prompt and text exceed n_ctx.
            EngineCrashed: the engine died over it; it can be called again.
        """
        ...

    def count(self, text: str | Prompt) -> int:
        """Return the number of tokens of a text, or of a whole prompt with its template."""
        ...

    def describe(self) -> EngineInfo:
        """Return what the engine runs on."""
        ...

    def close(self) -> None:
        """Free everything; further calls are errors."""
        ...
