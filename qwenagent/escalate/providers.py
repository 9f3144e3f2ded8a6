"""Providers, their models and what those cost: values. Where they are written is `table`'s."""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal
from urllib.parse import urlsplit

from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.keys import KeySource

Protocol = Literal["messages", "chat"]


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars for a million tokens, which is millionths of a dollar for one."""

    fresh: Decimal
    """For what is read anew."""
    cached: Decimal
    """For what the provider still had; where no price is known, that of fresh ones."""
    out: Decimal
    as_of: str
    """Day on which this was so, as 2026-08-05."""
    up_to: int | None = None
    """Longest request, in tokens, for which it holds; None: any."""

    def of(self, tokens: Tokens) -> int:
        """Return the price in millionths of a dollar, rounded up."""
        return math.ceil(
            self.fresh * tokens.fresh + self.cached * tokens.cached + self.out * tokens.out
        )


@dataclass(frozen=True, slots=True)
class FrontierModel:
    """A model as one provider sells it. What is not known is None."""

    name: str
    """As the provider calls it."""
    price: Price | None = None
    """None: only a cap in tokens can hold."""
    context_tokens: int | None = None
    output_tokens: int | None = None
    """Longest answer that may be asked for."""


@dataclass(frozen=True, slots=True)
class Provider:
    """Where to ask, in which protocol, for which model."""

    name: str
    protocol: Protocol
    """"messages" is Anthropic's, "chat" is OpenAI's Chat Completions and what is compatible."""
    base_url: str
    """Without a slash at its end."""
    model: FrontierModel
    key: KeySource = field(default_factory=KeySource)
    limit_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How a "chat" provider calls the longest answer."""
    stream: bool = True
    """False for a server that cannot tell an answer while it is written."""
    use_environment: bool = False
    """Whether proxies and certificates that the environment names are used."""
    connect_s: float = 10.0
    first_s: float = 120.0
    """Longest silence before the answer begins; without `stream` that is all of it."""
    between_s: float = 60.0
    """Longest silence in the middle of an answer."""
    answer_s: float = 900.0
    """Longest time for a whole answer."""

    @property
    def host(self) -> str:
        """Name and port, for people."""
        return urlsplit(self.base_url).netloc

    @property
    def is_loopback(self) -> bool:
        """Whether nothing leaves this machine."""
        return is_loopback(urlsplit(self.base_url).hostname or "")


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
