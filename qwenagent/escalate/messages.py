"""Anthropic's Messages API, by its SDK: how it is asked, and what its events mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType
from typing import TYPE_CHECKING, Any

from qwenagent.escalate.answer import Piece, Request
from qwenagent.escalate.providers import Provider
from qwenagent.escalate.sdk import NO_SECRET, as_dict, count_of, word_of

if TYPE_CHECKING:
    import httpx2


def pieces(
    sdk: ModuleType, http: httpx2.Client, provider: Provider, request: Request
) -> Iterator[Piece]:
    """Ask, and yield the answer as it comes; errors are the SDK's own."""
    client = sdk.Anthropic(
        api_key=NO_SECRET,
        base_url=provider.base_url,
        max_retries=0,
        timeout=http.timeout,
        http_client=http,
        open_telemetry=False,
    )
    asked = client.messages.create(
        model=provider.model.name,
        max_tokens=request.max_tokens,
        messages=[{"role": turn.role, "content": turn.text} for turn in request.messages],
        stream=provider.stream,
        **({"system": request.system} if request.system else {}),
    )
    if not provider.stream:
        yield _whole(as_dict(asked))
        return
    with asked:
        for event in asked:
            if piece := _piece(as_dict(event)):
                yield piece


def _piece(event: dict[str, Any]) -> Piece | None:
    match event.get("type"):
        case "message_start":
            return _counted(event.get("message"))
        case "content_block_delta":
            text = word_of(event.get("delta"), "text")
            return Piece(text) if text else None
        case "message_delta":
            usage = event.get("usage")
            stop = word_of(event.get("delta"), "stop_reason")
            return Piece(out=count_of(usage, "output_tokens"), stop=stop)
        case _:
            return None


def _counted(message: Any) -> Piece | None:
    """Return what a message says about itself; its output is not counted to the end yet."""
    if not isinstance(message, dict):
        return None
    usage = message.get("usage")
    fresh, written = count_of(usage, "input_tokens"), count_of(usage, "cache_creation_input_tokens")
    return Piece(
        fresh=None if fresh is None else fresh + (written or 0),
        cached=count_of(usage, "cache_read_input_tokens"),
        out=count_of(usage, "output_tokens"),
        model=word_of(message, "model"),
    )


def _whole(message: dict[str, Any]) -> Piece:
    """Return a whole answer as one piece; one without an end is malformed to whoever reads it."""
    about = _counted(message) or Piece()
    blocks = message.get("content")
    texts = [word_of(block, "text") for block in blocks] if isinstance(blocks, list) else []
    return replace(about, text="".join(texts), stop=word_of(message, "stop_reason"))
