"""The one way in which a value is written in a call."""

from __future__ import annotations

import json
import re

from qwenagent.protocol.json import Json

_ESCAPED = re.compile(r'[\\"\x00-\x1f]')
_HALF = re.compile("[\ud800-\udfff]")


def encode(value: Json) -> str:
    """Return the one way in which the grammar writes a value."""
    if isinstance(value, str) and not _ESCAPED.search(value):  # nearly all of 50,000 paths
        return f'"{value}"'
    return json.dumps(value, ensure_ascii=False)


def is_writable(value: str | int | bool) -> bool:
    """Return whether a value is text: names with bytes that are no UTF-8 cannot be offered."""
    return not (isinstance(value, str) and _HALF.search(value))


def as_json(value: Json) -> str:
    """Return a value as JSON, with escapes where UTF-8 cannot hold it; empty for infinity."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return ""
    return text if is_writable(text) else json.dumps(value)
