"""Asks a provider of the tests, and says what its failures cost."""

from __future__ import annotations

import pytest

from qwenagent.errors import EscalationError
from qwenagent.escalate import Answer, ask, count_tokens
from tests.escalate_servers import CACHED, ENVIRON, FRESH, KEY, MAX_TOKENS, REQUEST, Reply, Standin

QUICK = (0.01, 0.02)


def asked(standin: Standin, *replies: Reply, **own: object) -> Answer:
    standin.replies += replies
    return ask(standin.provider(**own), REQUEST, environ=ENVIRON, pauses_s=QUICK)


def failure(standin: Standin, *replies: Reply, **own: object) -> EscalationError:
    with pytest.raises(EscalationError) as caught:
        asked(standin, *replies, **own)
    assert KEY not in f"{caught.value}{caught.value!r}"
    return caught.value


def known_so_far(standin: Standin) -> tuple[int, int, int]:
    """What a broken stream has cost: Anthropic tells the request's tokens first, OpenAI last."""
    if standin.protocol == "messages":
        return (FRESH, CACHED, MAX_TOKENS)
    return (count_tokens(REQUEST), 0, MAX_TOKENS)


UNKNOWN = (count_tokens(REQUEST), 0, MAX_TOKENS)
