"""Chat Completions, as OpenAI and many others have them, by OpenAI's SDK."""

from __future__ import annotations

from collections.abc import Iterator
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
    client = sdk.OpenAI(
        api_key=NO_SECRET,
        base_url=provider.base_url,
        max_retries=0,
        timeout=http.timeout,
        http_client=http,
    )
    asked = client.chat.completions.create(
        model=provider.model.name,
        messages=_messages(request),
        stream=provider.stream,
        **{provider.limit_field: request.max_tokens},
        **({"stream_options": {"include_usage": True}} if provider.stream else {}),
    )
    if not provider.stream:
        yield _piece(as_dict(asked), "message")
        return
    with asked:
        for event in asked:
            yield _piece(as_dict(event), "delta")


def _messages(request: Request) -> list[dict[str, str]]:
    turns = [{"role": turn.role, "content": turn.text} for turn in request.messages]
    return [{"role": "system", "content": request.system}, *turns] if request.system else turns


def _piece(event: dict[str, Any], part: str) -> Piece:
    """Return what an event says; the last one has the counts and no choice."""
    choices = event.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    said = choice.get(part) if isinstance(choice, dict) else None
    stop = "refusal" if word_of(said, "refusal") else word_of(choice, "finish_reason")
    fresh, cached, out = _usage(event.get("usage"))
    return Piece(
        text=word_of(said, "content"),
        fresh=fresh,
        cached=cached,
        out=out,
        stop=stop,
        model=word_of(event, "model"),
    )


def _usage(usage: Any) -> tuple[int | None, int | None, int | None]:
    """Return tokens read anew, cached, and written; a part of those read may be cached."""
    read, out = count_of(usage, "prompt_tokens"), count_of(usage, "completion_tokens")
    if read is None:
        return None, None, out
    details = usage.get("prompt_tokens_details")
    cached = count_of(details, "cached_tokens")
    if cached is None:
        cached = count_of(usage, "prompt_cache_hit_tokens")  # DeepSeek's name for it
    cached = min(cached or 0, read)
    return read - cached, cached, out
