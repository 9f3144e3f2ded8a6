"""A remote engine with short waits, to ask a stand-in with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from qwenagent.engine.remote import Endpoint, RemoteEngine
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling
from tests.endpoint_standin import (
    Reply,
    Standin,
)

ASK = Prompt((Message("user", "Say hé"),), "O")


def engine_for(standin: Standin, **changes: Any) -> RemoteEngine:
    quick = Endpoint(
        standin.url, pauses_s=(0.01, 0.02), loading_s=5.0, loading_poll_s=0.01, silence_s=5.0
    )
    return RemoteEngine(replace(quick, **changes))


def complete(
    engine: RemoteEngine, standin: Standin, *replies: Reply, **more: Any
) -> list[Completion]:
    standin.replies += replies
    return engine.complete(ASK, **({"sampling": Sampling(max_tokens=50)} | more))
