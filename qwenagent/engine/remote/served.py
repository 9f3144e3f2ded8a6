"""What a server says of itself, and the pieces in which its answers come."""

from __future__ import annotations

from dataclasses import dataclass

from qwenagent.protocol.messages import StopReason


@dataclass(frozen=True, slots=True)
class Served:
    """The model behind an endpoint."""

    name: str
    n_ctx: int
    """Tokens that one conversation may have."""
    n_slots: int
    """Answers that are written at the same time."""
    library: str
    parameters: float = 0.0
    """Weights in billions; 0 if the server does not tell."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one event of an answer brings; None is not told in it."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    read: tuple[int, int] | None = None
    """Tokens of the prompt that were read, and that are to be read."""
    stop: StopReason | None = None
    cached_tokens: int | None = None
    completion_tokens: int | None = None
    prefill_s: float | None = None
    decode_s: float | None = None
