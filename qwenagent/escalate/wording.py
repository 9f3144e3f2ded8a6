"""What is said of a request to a model elsewhere: the question before it, the report behind it.

Knows values alone; asks nobody and reserves nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from qwenagent.errors import EscalationError
from qwenagent.escalate.answer import Kind, Request, Subject, most
from qwenagent.escalate.caps import dollars
from qwenagent.escalate.payload import Payload
from qwenagent.escalate.policy import Left
from qwenagent.escalate.providers import Provider
from qwenagent.protocol.events import ApprovalAsked, ContextItem, Escalated, EscalatedOutcome

_VERBS: Mapping[Kind, str] = {
    "advice": "for advice",
    "patch": "for a patch",
    "plan": "for a plan",
    "review": "for a review",
}


def question_of(provider: Provider, payload: Payload, facts: Sequence[str]) -> ApprovalAsked:
    """Return the question whether a payload may go, with all of its text."""
    model = provider.model.name
    place = (provider.name, provider.base_url, model, payload.text)
    return ApprovalAsked(
        kind="escalation",
        question=f"Send this to {model} at {provider.name} ({provider.host}), "
        f"{_VERBS[payload.kind]}?",
        items=(payload.text,),
        digest=hashlib.sha256("\0".join(place).encode("utf-8", "replace")).hexdigest(),
        notes=("\n".join(facts),),
        digests=("",),
    )


def facts_of(payload: Payload, request: Request, micro: int | None) -> tuple[str, ...]:
    """Return what there is to know about a payload before it goes, a line each."""
    cost = "the price is not known" if micro is None else f"at most {dollars(micro)}"
    bound = most(request)
    return (
        f"parts: {', '.join(_part(item) for item in sent_of(payload))}",
        *(f"stays here: {left}" for left in payload.left_out),
        f"{payload.replaced} secret(s) replaced by placeholders",
        f"at most {bound.fresh:,} tokens read and {bound.out:,} written: {cost}",
    )


def left_of_caps(caps: Iterable[Left]) -> str:
    """Return what the caps still allow, in money, once a request is reserved."""
    left = (f"{one.scope} {dollars(one.micro)}" for one in caps if one.micro is not None)
    return f"left of the caps after it: {', '.join(left)}"


def _part(item: ContextItem) -> str:
    how = f" ({item.how})" if item.how else ""
    return f"{item.what} {item.n_tokens:,}{how}"


def sent_of(payload: Payload) -> tuple[ContextItem, ...]:
    """Return the parts that go up, with what was taken out of each."""
    found = []
    for part in payload.parts:
        n_secrets = sum(n for _, n in part.replaced)
        notes = [f"{n_secrets} secret(s) replaced"] if n_secrets else []
        notes += [f"{part.withheld} line(s) withheld"] if part.withheld else []
        title = f"{part.kind} {part.title}" if part.kind in ("file", "diff") else part.title
        found.append(ContextItem(title, part.n_tokens, ", ".join(notes)))
    return tuple(found)


def told_of(
    provider: Provider,
    subject: Subject,
    payload: Payload,
    outcome: EscalatedOutcome,
    sentence: str,
) -> Escalated:
    """Return what became of a request; without what it cost."""
    return Escalated(
        kind=payload.kind,
        provider=provider.name,
        model=provider.model.name,
        reason=subject.reason,
        outcome=outcome,
        sentence=sentence,
        sent=sent_of(payload),
        left_out=tuple(ContextItem(one.title, 0, one.reason) for one in payload.left_out),
        n_bytes=payload.n_bytes,
        redacted=payload.replaced,
        step_key=subject.step,
        host=provider.host,
    )


def under_way(provider: Provider, kind: Kind) -> str:
    """Return what goes on while an answer is waited for."""
    return f"asking {provider.name} {_VERBS[kind]}"


def with_hint(error: EscalationError) -> str:
    """Return an error on one line, with what to do about it."""
    return f"{error.message} ({error.hint})" if error.hint else error.message
