"""How much may be spent: per request, step, run and day, in money and in tokens.

Decides from figures; what was spent and what is reserved is the ledger's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from qwenagent.escalate.ledger import Amount, Errand, Ledger, Reservation, Spending

Scope = Literal["request", "step", "run", "day"]
Unit = Literal["money", "tokens"]


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of one scope. None is no limit, 0 is nothing at all."""

    micro: int | None = None
    """In millionths of a dollar."""
    tokens: int | None = None
    """Read and written, cached ones too."""


@dataclass(frozen=True, slots=True)
class Caps:
    """All limits; each of them holds."""

    request: Limit = field(default_factory=Limit)
    step: Limit = field(default_factory=Limit)
    run: Limit = field(default_factory=Limit)
    day: Limit = field(default_factory=Limit)

    @property
    def has_tokens(self) -> bool:
        """Whether any limit is in tokens, as a request without a price needs."""
        return any(limit.tokens is not None for _, limit in self.by_scope())

    def by_scope(self) -> Iterator[tuple[Scope, Limit]]:
        """Yield the limits, the narrowest first."""
        yield from (("request", self.request), ("step", self.step))
        yield from (("run", self.run), ("day", self.day))


@dataclass(frozen=True, slots=True)
class CapReached:
    """A normal ending: a request was not sent, since it might have cost more than is allowed."""

    sentence: str
    scope: Scope
    unit: Unit
    limit: int
    """In millionths of a dollar, or tokens, as the two below."""
    used: int
    """Spent or reserved before."""
    wanted: int
    """The most that the request could have cost."""


@dataclass(frozen=True, slots=True)
class NoPrice:
    """A normal ending: nobody knows what a request costs, and no cap in tokens holds it."""

    sentence: str


def reserve(
    ledger: Ledger, caps: Caps, errand: Errand, most: Amount
) -> Reservation | CapReached | NoPrice:
    """Reserve what a request can cost at most, within all caps, or say which is in the way.

    Raises:
        EscalationError: the ledger cannot be used; then nothing may be sent.
    """
    if most.micro is None and not caps.has_tokens:
        return NoPrice(
            f"the price of {errand.model} at {errand.provider} is not known, so that only a cap "
            "in tokens can hold; set one, or the price"
        )
    return ledger.reserve(errand, most, lambda spending: first_reached(caps, spending, most))


def first_reached(caps: Caps, spending: Spending, most: Amount) -> CapReached | None:
    """Return the narrowest cap that a request could break, None if it fits into all."""
    used: dict[Scope, Amount] = {
        "request": Amount(0, 0),
        "step": spending.step,
        "run": spending.run,
        "day": spending.day,
    }
    for scope, limit in caps.by_scope():
        before = used[scope]
        asked: tuple[tuple[Unit, int | None, int, int], ...] = (
            ("money", limit.micro, before.micro or 0, most.micro or 0),
            ("tokens", limit.tokens, before.tokens, most.tokens),
        )
        for unit, most_allowed, spent, wanted in asked:
            if most_allowed is not None and spent + wanted > most_allowed:
                return _reached(scope, unit, most_allowed, spent, wanted)
    return None


def _reached(scope: Scope, unit: Unit, limit: int, used: int, wanted: int) -> CapReached:
    def said(n: int) -> str:
        return dollars(n) if unit == "money" else f"{n:,} tokens"

    whose = {"request": "a request", "step": "a step", "run": "a run", "day": "24 hours"}[scope]
    before = f"{said(used)} spent or reserved, and " if scope != "request" else ""
    verb = "cost" if unit == "money" else "take"
    sentence = (
        f"the cap of {said(limit)} for {whose} is reached: {before}this request could {verb} "
        f"{said(wanted)}"
    )
    return CapReached(sentence, scope, unit, limit, used, wanted)


def dollars(micro: int) -> str:
    """Return millionths of a dollar for people: "$0.50", "$0.00041", never rounded."""
    whole, part = divmod(micro, 1_000_000)
    digits = f"{part:06d}".rstrip("0").ljust(2, "0")
    return f"${whole:,}.{digits}"
