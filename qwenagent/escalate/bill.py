"""The figures of `qwenagent stats`: what the work cost, and what it would have cost elsewhere.

Adds up values that are given: requests of the ledger, steps as they ended. Draws nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from qwenagent.escalate.answer import Tokens
from qwenagent.escalate.ledger import Entry

Ending = Literal["solved", "unverified", "blocked", "skipped", "for you"]


@dataclass(frozen=True, slots=True)
class StepWork:
    """One step of one run: how it ended, and what the local model did for it."""

    run: str
    repository: str
    step: str
    ending: Ending
    prompt_tokens: int = 0
    """All that it read, also what was in the cache."""
    cached_tokens: int = 0
    """The part of them that was in the cache."""
    written_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Share:
    """What went to one model of one provider."""

    provider: str
    model: str
    requests: int
    micro: int
    tokens: Tokens


@dataclass(frozen=True, slots=True)
class Bill:
    """Money in millionths of a dollar, rounded up."""

    micro: int
    """Spent: settled, and lost ones at the most they can have cost."""
    lost_micro: int
    """The part of it of which nobody knows whether it was spent."""
    unpriced: int
    """Requests without a price, which are in no sum of money."""
    requests: int
    """That were sent, or may have been."""
    tokens: Tokens
    """Of settled requests."""
    shares: tuple[Share, ...]
    """Of settled and lost requests, the dearest first."""
    local_prompt_tokens: int
    local_written_tokens: int
    local_seconds: float
    solved: int
    solved_locally: int
    """Without a request for the step in the run that solved it."""
    frontier_micro: int | None
    """What the local model's tokens would have cost at the frontier, with those spent there; None
    without a price."""

    @property
    def local_share(self) -> float | None:
        """Part of the solved steps that was solved here, 0 to 1; None if none was solved."""
        return self.solved_locally / self.solved if self.solved else None

    @property
    def micro_per_solved_step(self) -> int | None:
        """All that was spent, also on steps that were not solved, by those that were."""
        return -(-self.micro // self.solved) if self.solved else None

    @property
    def saved_micro(self) -> int | None:
        """What the work would have cost at the frontier, less what it did; may be negative."""
        return None if self.frontier_micro is None else self.frontier_micro - self.micro


def bill(
    entries: Iterable[Entry],
    steps: Sequence[StepWork],
    price: Callable[[Tokens], int] | None = None,
) -> Bill:
    """Return what requests and steps come to. `price` is the frontier's, for comparison."""
    sent = [entry for entry in entries if entry.state in ("settled", "lost")]
    asked = {(e.errand.run, e.errand.repository, e.errand.step) for e in sent}
    solved = [step for step in steps if step.ending == "solved"]
    micro = _micro(sent)
    return Bill(
        micro=micro,
        lost_micro=_micro([entry for entry in sent if entry.state == "lost"]),
        unpriced=sum(entry.counts_as.micro is None for entry in sent),
        requests=len(sent),
        tokens=_tokens(sent),
        shares=_shares(sent),
        local_prompt_tokens=sum(step.prompt_tokens for step in steps),
        local_written_tokens=sum(step.written_tokens for step in steps),
        local_seconds=sum(step.seconds for step in steps),
        solved=len(solved),
        solved_locally=sum((s.run, s.repository, s.step) not in asked for s in solved),
        frontier_micro=None if price is None else price(_local_tokens(steps)) + micro,
    )


def _micro(entries: Iterable[Entry]) -> int:
    return sum(entry.counts_as.micro or 0 for entry in entries)


def _tokens(entries: Iterable[Entry]) -> Tokens:
    return sum((entry.tokens for entry in entries if entry.state == "settled"), Tokens())


def _local_tokens(steps: Iterable[StepWork]) -> Tokens:
    return sum(
        (
            Tokens(s.prompt_tokens - s.cached_tokens, s.cached_tokens, s.written_tokens)
            for s in steps
        ),
        Tokens(),
    )


def _shares(entries: Sequence[Entry]) -> tuple[Share, ...]:
    names = dict.fromkeys((e.errand.provider, e.errand.model) for e in entries)
    shares = []
    for name in names:
        own = [e for e in entries if (e.errand.provider, e.errand.model) == name]
        shares.append(Share(*name, len(own), _micro(own), _tokens(own)))
    return tuple(sorted(shares, key=lambda s: (-s.micro, s.provider, s.model)))
