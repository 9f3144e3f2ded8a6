"""The engine whose model another machine serves."""

from __future__ import annotations

import re
from dataclasses import replace

from qwenagent.engine import family
from qwenagent.engine.base import Accept, Take
from qwenagent.engine.remote.connection import Connection
from qwenagent.engine.remote.dialect import Dialect, find_dialect
from qwenagent.engine.remote.endpoint import Endpoint
from qwenagent.engine.remote.failures import Cancelled, Refused
from qwenagent.engine.remote.round import Listener, Round, Wanted
from qwenagent.engine.remote.served import Served
from qwenagent.engine.remote.tokens import Tokens
from qwenagent.engine.runaway import PromptLines
from qwenagent.errors import ContextOverflow, EngineError, ModelLoadFailed
from qwenagent.grammar import Grammar, Recogniser
from qwenagent.protocol.messages import (
    Alternatives,
    Cancel,
    Completion,
    EngineInfo,
    OnPrefill,
    OnText,
    Prompt,
    Reading,
    Sampling,
    Usage,
)

_OTHER_GENERATION = re.compile(r"qwen[-_ ]?(?!2[._]?5)\d", re.IGNORECASE)


class RemoteEngine:
    """Implements `Engine`. Asks the server what it is at the first call."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection = Connection(endpoint)
        self._tokens = Tokens()
        self._known: tuple[Dialect, Served] | None = None

    def start(self) -> None:
        """Ask now which model is served, and whether it is of this family.

        Raises:
            ModelLoadFailed: it is not, or this is no server of models.
            EngineError: the endpoint is out of reach or refuses.
        """
        if self._known is None:
            try:
                dialect = find_dialect(self._connection)
                served = dialect.served(self._connection)
                self._require_family(dialect, served)
            except Refused as error:
                raise self._refused(error) from error
            self._known = dialect, served

    @property
    def served(self) -> Served:
        """What the server says of itself; asks it if need be."""
        return self._parts()[1]

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
        """See `Engine.complete`. Candidates are written in as many slots as the server has.

        There are never any `doubts`: a server tells what is likely among the tokens that the
        grammar left, if anything.

        Raises:
            EngineCrashed: the server broke off in the middle of an answer.
            EngineError: the endpoint is out of reach, refuses, or ignores the grammar.
        """
        if grammar:
            Recogniser(grammar.text)
        dialect, served = self._parts()
        try:
            ids = self._encode(prompt, cancel)
            self._check_room(len(ids), sampling.max_tokens)
            samplings = [replace(sampling, seed=sampling.seed + i) for i in range(n)]
            listener = Listener(accept, cancel, on_text, on_prefill)
            wanted = Wanted(ids, PromptLines(prompt), grammar, samplings)
            round_ = Round(self._connection, dialect, wanted, listener)
            return round_.write(side_by_side=served.n_slots)
        except Cancelled:
            return [Completion("", "cancelled", Usage(calls=1))]

    def alternatives(
        self,
        reading: Reading,
        *,
        take: Take | None = None,
        cancel: Cancel | None = None,
        on_prefill: OnPrefill | None = None,
    ) -> Alternatives:
        """See `Engine.alternatives`: none, a server does not tell what it thinks of a prompt."""
        return Alternatives((), Usage())

    def count(self, text: str | Prompt) -> int:
        """See `Engine.count`; the server's tokenizer is asked."""
        if isinstance(text, Prompt):
            return len(self._encode(text))
        return len(self._tokens.of(text, self._tokenize))

    def describe(self) -> EngineInfo:
        """See `Engine.describe`; asks the server if need be."""
        dialect, served = self._parts()
        return EngineInfo(
            model=served.name,
            device=f"remote {self._endpoint.host}",
            n_ctx=served.n_ctx,
            n_threads=0,
            library=served.library,
            details={
                "sends": self._endpoint.sends,
                "lacks": dialect.lacks,
                "slots": str(served.n_slots),
            },
        )

    def close(self) -> None:
        """Free the sockets."""
        self._connection.close()

    def _parts(self) -> tuple[Dialect, Served]:
        self.start()
        assert self._known is not None
        return self._known

    def _encode(self, prompt: Prompt, cancel: Cancel | None = None) -> list[int]:
        return self._tokens.encode(prompt, lambda text: self._tokenize(text, cancel))

    def _tokenize(self, text: str, cancel: Cancel | None = None) -> list[int]:
        if cancel and cancel.is_set():
            raise Cancelled
        dialect, _ = self._parts()
        try:
            return dialect.tokenize(self._connection, text, marks=False, cancel=cancel)
        except Refused as error:
            raise self._refused(error) from error

    def _check_room(self, n_prompt: int, max_tokens: int) -> None:
        if n_prompt + max_tokens > self.served.n_ctx:
            raise ContextOverflow(
                f"prompt is {n_prompt} tokens and the answer may be {max_tokens}, "
                f"n_ctx is {self.served.n_ctx} at {self._endpoint.host}",
                hint="start the server with a larger --ctx-size (it is divided among its slots) "
                "or put less into the prompt",
            )

    def _require_family(self, dialect: Dialect, served: Served) -> None:
        marks = "<|im_start|><|im_end|>"
        ids = dialect.tokenize(self._connection, marks, marks=True)
        if ids != [family.IM_START, family.IM_END] or _OTHER_GENERATION.search(served.name):
            raise ModelLoadFailed(
                f"{self._endpoint.host} serves {served.name}, which is no Qwen 2.5 Coder: "
                f"{marks} is {ids} there",
                hint="serve one of the files that `qwenagent models list` names",
            )
        if served.n_ctx <= 0:
            raise ModelLoadFailed(f"{self._endpoint.host} does not tell the context of its model")

    def _refused(self, error: Refused) -> EngineError:
        return EngineError(f"{self._endpoint.host} refuses with HTTP {error.status}: {error}")
