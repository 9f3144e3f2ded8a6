"""The one way in which a value is written in a call."""

from __future__ import annotations

import json

from qwenagent.protocol.json import Json


def encode(value: Json) -> str:
    """Return the one way in which the grammar writes a value."""
    return json.dumps(value, ensure_ascii=False)


def is_writable(value: str | int | bool) -> bool:
    """Return whether a value is text: names with bytes that are no UTF-8 cannot be offered."""
    return not (isinstance(value, str) and any("\ud800" <= c <= "\udfff" for c in value))
