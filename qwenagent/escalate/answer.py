"""What is asked, why, what comes back, and the most that asking can cost. Knows no provider."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from qwenagent.protocol.messages import Message

Kind = Literal["advice", "patch", "plan", "review"]
Stop = Literal["stop", "length", "cancelled"]

_TOKENS_AROUND_A_MESSAGE = 16
_TOKENS_AROUND_ALL = 64
"""Both for marks of roles, and for a system prompt that some servers put where there is none."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is asked about, and why it is not done here."""

    step: str
    """The step's digest, the same in every run; empty for what is asked between steps."""
    reason: str
    needs_yes: bool = False
    """Whether a yes is needed even if the user lets things go unasked: a plan wishes it."""


@dataclass(frozen=True, slots=True)
class Request:
    """A question to a model elsewhere."""

    system: str
    messages: tuple[Message, ...]
    """The user's and the assistant's turns, in order; the last one is the user's."""
    max_tokens: int
    """Longest answer, with what the model thinks before it and keeps to itself."""
    kind: Kind
    """What it is for; the provider is not told."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a request cost; add two with `+`."""

    fresh: int = 0
    """Tokens of the request that were read anew."""
    cached: int = 0
    """Tokens of the request that the provider still had, and sells cheaper."""
    out: int = 0
    """Tokens that were written, thoughts too."""
    exact: bool = True
    """False where the provider did not tell all of it: then this is the most it can have been."""

    def __add__(self, other: Tokens) -> Tokens:
        return Tokens(
            self.fresh + other.fresh,
            self.cached + other.cached,
            self.out + other.out,
            self.exact and other.exact,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. It is as untrusted as every other text."""

    text: str
    usage: Tokens
    stop: Stop
    """"stop" only if the model ended it by itself."""
    model: str
    """As the provider calls what answered; it may be a dated version of what was asked for."""
    request_id: str
    """The provider's name for this request, for questions to them; empty if there is none."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of an answer tells, in no protocol's words. None is: not told."""

    text: str = ""
    fresh: int | None = None
    cached: int | None = None
    out: int | None = None
    """Counts only at the end: before it, and without one, more is still being written."""
    stop: str = ""
    """The provider's own word for why it ended."""
    model: str = ""


def count_tokens(request: Request) -> int:
    """Return an upper bound of what a request's text is in tokens, of any model.

    A token of a byte-level tokenizer stands for one byte at least, of SentencePiece with its
    fallback as well; so there are no more of them than bytes in UTF-8. Some normalise the text
    before (NFKC), which can make it longer. Code really has a third to a quarter as many.
    """
    texts = [request.system, *(message.text for message in request.messages)]
    around = _TOKENS_AROUND_ALL + _TOKENS_AROUND_A_MESSAGE * len(texts)
    return around + sum(_bytes(text) for text in texts)


def most(request: Request) -> Tokens:
    """Return the most that a request can cost: what to reserve before it is sent."""
    return Tokens(fresh=count_tokens(request), out=request.max_tokens, exact=False)


def _bytes(text: str) -> int:
    forms = (text, unicodedata.normalize("NFKC", text))
    return max(len(form.encode("utf-8", errors="replace")) for form in forms)


class Draft:
    """An answer while it arrives."""

    def __init__(self, request: Request, model: str) -> None:
        """`model` is what was asked for, until the provider says what answers."""
        self.text = ""
        self.stop = ""
        """The provider's word; empty while the answer goes on."""
        self.model = model
        self._most = most(request)
        self._fresh: int | None = None
        self._cached: int | None = None
        self._out: int | None = None

    def take(self, piece: Piece) -> None:
        """Add what has come."""
        self.text += piece.text
        self.stop = piece.stop or self.stop
        self.model = piece.model or self.model
        self._fresh = self._fresh if piece.fresh is None else piece.fresh
        self._cached = self._cached if piece.cached is None else piece.cached
        if self.stop and piece.out is not None:
            self._out = piece.out

    def usage(self) -> Tokens:
        """Return what it has cost: as told, where it was told, else the most it can be.

        A provider that loses its listener may go on writing, and bill it.
        """
        fresh = self._most.fresh if self._fresh is None else self._fresh
        out = self._most.out if self._out is None else self._out
        exact = self._fresh is not None and self._out is not None
        return Tokens(fresh, self._cached or 0, out, exact)

    def answer(self, stop: Stop, request_id: str) -> Answer:
        """Return the answer as it is."""
        return Answer(self.text, self.usage(), stop, self.model, request_id)
