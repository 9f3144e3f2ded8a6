"""How the answers of one step are drawn: how long each may get, and how bold it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from qwenagent.errors import ContextOverflow
from qwenagent.loop.editing.asker import HEADER_TOKENS
from qwenagent.loop.ports import Ports
from qwenagent.protocol.messages import Message, Prompt, Sampling

LEAST_BODY_TOKENS = 256
"""With less room than this for an answer the conversation starts anew."""
LEAST_TOKENS = 512
"""For each answer but the first."""
USUAL_TOKENS = 1024
"""The same where the first did not come to its end."""
GREEDY_ATTEMPTS = 2
"""The plain one, and the one that thinks first; the same again would come out the same."""


class Draws:
    """The draws of one step, conversation by conversation."""

    def __init__(self, ports: Ports, step_number: int) -> None:
        """Nothing is drawn yet."""
        self._ports = ports
        self._step_number = step_number
        self._n_opened = self._n_asked = self._n_first = 0
        self.number = 0
        """Which of a round's further attempts is under way, 0 for its first."""

    def open(self, *, answers: bool) -> None:
        """Begin a conversation; `answers`: a whole answer is wanted in it."""
        self._n_opened += answers
        self._n_first = 0

    def begin_anew(self) -> None:
        """Have the next answer be a plain one again: the model is told something new."""
        self._n_opened = 0

    def note(self, body: str) -> None:
        """Note an answer that came to its end: the longest of the first attempt counts."""
        if not self.number:
            self._n_first = max(self._n_first, self._ports.engine.count(body))

    def sampling(self, messages: Sequence[Message], max_tokens: int) -> Sampling:
        """Greedy for the first of the first two rounds, else drawn, later ones more boldly.

        Raises:
            ContextOverflow: see `room`.
        """
        self._n_asked += 1
        max_tokens = min(max_tokens, self.room(messages))
        if self._n_opened <= GREEDY_ATTEMPTS and not self.number:
            return Sampling(max_tokens=max_tokens)
        loop, usual = self._ports.settings.loop, self._ports.sampling
        base = loop.temperature or usual.temperature
        n_bolder = max(self._n_opened - GREEDY_ATTEMPTS - 1, 0)
        return replace(
            usual,
            temperature=min(base + 0.1 * n_bolder, 1.0),
            seed=loop.seed * 10_007 + self._step_number * 101 + self._n_asked,
            max_tokens=max_tokens,
        )

    def most_tokens(self, texts: Iterable[str]) -> int:
        """Return the most tokens of each answer but the first; `texts` may be written anew.

        What is much longer than the first one, and than what is there, has gone astray. The less
        each may take, the more of them are written side by side.
        """
        n_there = max(map(self._ports.engine.count, filter(None, texts)), default=0)
        least = LEAST_TOKENS if self._n_first else USUAL_TOKENS
        most = max(least, 2 * max(self._n_first, n_there))
        return min(most, self._ports.profile.max_body_tokens)

    def room(self, messages: Sequence[Message]) -> int:
        """Return the tokens left for an answer after a conversation and its first line.

        Raises:
            ContextOverflow: they are too few.
        """
        engine = self._ports.engine
        used = engine.count(Prompt(tuple(messages))) + HEADER_TOKENS
        room = engine.describe().n_ctx - used
        if room < LEAST_BODY_TOKENS:
            raise ContextOverflow(
                f"the step's prompt takes {used} of n_ctx {engine.describe().n_ctx} tokens",
                hint="raise model.n_ctx, or name fewer or smaller files in the step",
            )
        return room
