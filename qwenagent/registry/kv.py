"""The KV cache: in which type it is kept, and what that takes. Knows no model and no machine."""

from __future__ import annotations

from typing import Literal

KvType = Literal["f16", "q8_0"]
"""Of keys and values alike. Keys of this family have outliers that anything coarser destroys."""
SMALLEST: KvType = "q8_0"


def kv_bytes(f16_bytes: int, kv_type: KvType) -> int:
    """Return what takes `f16_bytes` in f16, rounded up. A block of 32 in q8_0 has a scale more."""
    match kv_type:
        case "f16":
            return f16_bytes
        case "q8_0":
            return -(-f16_bytes * 34 // 64)
