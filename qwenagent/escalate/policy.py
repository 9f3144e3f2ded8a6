"""When a model elsewhere is asked, whom, and how much may go: the user's settings as values.

Knows no step and sends nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from qwenagent.config import EscalateSettings
from qwenagent.escalate.answer import Kind, Request, Tokens, count_tokens
from qwenagent.escalate.caps import Caps, Limit
from qwenagent.escalate.ledger import Amount, Spending
from qwenagent.escalate.local_only import HomeRules
from qwenagent.escalate.payload import Room
from qwenagent.escalate.providers import Provider
from qwenagent.escalate.table import find_provider
from qwenagent.protocol.messages import Message

Policy = Literal["never", "ask", "auto"]
UpFront = Literal["", "advice", "patch"]

ANSWER_TOKENS: Mapping[Kind, int] = MappingProxyType(
    {"advice": 4_000, "patch": 12_000, "plan": 12_000, "review": 8_000}
)
"""Longest answers, with what a model thinks before them. All of it is reserved: more would reach
caps for nothing."""
_MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user allows in one repository."""

    policy: Policy = "never"
    providers: tuple[Provider, ...] = ()
    """In the order in which they are asked; none where nobody may be."""
    caps: Caps = field(default_factory=Caps)
    home: HomeRules = field(default_factory=HomeRules)
    up_front: UpFront = ""
    payload_tokens: int = 0
    shut: str = ""
    """Why nobody is asked, in a sentence; empty if somebody may be."""


def rules_of(settings: EscalateSettings, *, offline: bool = False) -> Rules:
    """Return what settings say; `offline` shuts everything.

    Raises:
        ConfigError: a provider is unknown, or its table cannot be meant.
    """
    lists = tuple(filter(None, (settings.local_only, settings.also_local_only)))
    caps, home = caps_of(settings), HomeRules(settings.at_home, lists)
    names = provider_order(settings)
    if shut := _why_shut(settings, names, offline=offline):
        return Rules(caps=caps, home=home, shut=shut)
    return Rules(
        policy=settings.policy,
        providers=tuple(find_provider(name, settings.providers) for name in names),
        caps=caps,
        home=home,
        up_front=settings.up_front,
        payload_tokens=settings.payload_tokens,
    )


def _why_shut(settings: EscalateSettings, names: tuple[str, ...], *, offline: bool) -> str:
    if offline:
        return "--offline: nothing leaves this machine"
    if settings.policy == "never":
        return 'escalate.policy is "never"'
    if settings.at_home:
        return "this repository stays at home (escalate.at_home): nothing of it is sent"
    return "" if names else "no provider is set up: escalate.order names none"


def provider_order(settings: EscalateSettings) -> tuple[str, ...]:
    """Return the names of those who are asked, in order: as set, else all that have a table."""
    return tuple(dict.fromkeys(settings.order or settings.providers))


def caps_of(settings: EscalateSettings) -> Caps:
    """Return the caps as set, in millionths of a dollar and tokens."""
    s = settings
    return Caps(
        request=_limit(s.request_dollars, s.request_tokens),
        step=_limit(s.step_dollars, s.step_tokens),
        run=_limit(s.run_dollars, s.run_tokens),
        day=_limit(s.day_dollars, s.day_tokens),
    )


def _limit(dollars: float, tokens: int) -> Limit:
    # By its digits: 0.29 * 1,000,000 is less than 290,000. Rounded down, as it is a cap.
    return Limit(int(Decimal(str(dollars)) * _MICRO), tokens)


def answer_tokens(provider: Provider, kind: Kind) -> int:
    """Return the longest answer that is asked for."""
    model = provider.model
    limits = [ANSWER_TOKENS[kind]]
    limits += [model.output_tokens] if model.output_tokens else []
    limits += [model.context_tokens // 2] if model.context_tokens else []
    return min(limits)


def bound(text: str, kind: Kind) -> int:
    """Return the most tokens that a text can be, sent as the one message of a request."""
    return count_tokens(Request("", (Message("user", text),), 0, kind))


def room_of(rules: Rules, provider: Provider, kind: Kind) -> Room:
    """Return how long a request may be: as set, as the model can read, as one's cap allows.

    A cap that leaves no room at all is not looked at here: whoever reserves tells of it.
    """
    out, model = answer_tokens(provider, kind), provider.model
    price, limit = model.price, rules.caps.request
    limits = [rules.payload_tokens]
    limits += [model.context_tokens - out] if model.context_tokens else []
    limits += [limit.tokens - out] if limit.tokens is not None else []
    if price is not None:
        limits += [price.up_to] if price.up_to is not None else []
        if limit.micro is not None and price.fresh > 0:
            limits.append(int((limit.micro - price.of(Tokens(out=out))) / price.fresh))
    return Room(min(n for n in limits if n > 0), lambda text: bound(text, kind))


def amount_of(provider: Provider, tokens: Tokens) -> Amount:
    """Return what tokens come to at a provider."""
    price = provider.model.price
    n_tokens = tokens.fresh + tokens.cached + tokens.out
    return Amount(None if price is None else price.of(tokens), n_tokens)


@dataclass(frozen=True, slots=True)
class Left:
    """What a cap still allows; None is without limit."""

    scope: Literal["step", "run", "24 hours"]
    micro: int | None
    tokens: int | None


def left_of(caps: Caps, spending: Spending) -> tuple[Left, ...]:
    """Return what is left of the caps that add up."""
    return (
        _left("step", caps.step, spending.step),
        _left("run", caps.run, spending.run),
        _left("24 hours", caps.day, spending.day),
    )


def _left(scope: Literal["step", "run", "24 hours"], limit: Limit, spent: Amount) -> Left:
    def rest(most: int | None, used: int) -> int | None:
        return None if most is None else max(most - used, 0)

    return Left(scope, rest(limit.micro, spent.micro or 0), rest(limit.tokens, spent.tokens))
