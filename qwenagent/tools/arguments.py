"""The arguments of a call, which may come from an engine that no grammar bound."""

from __future__ import annotations

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall


def text_of(call: ToolCall, name: str) -> str:
    """Return a string argument.

    Raises:
        EditRefused: it is missing or something else.
    """
    value = call.arguments.get(name)
    if not isinstance(value, str):
        raise EditRefused(f"{call.name} needs {name} as a string, not {value!r}")
    return value


def number_of(call: ToolCall, name: str) -> int:
    """Return an integer argument.

    Raises:
        EditRefused: it is missing or something else.
    """
    value = call.arguments.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise EditRefused(f"{call.name} needs {name} as a whole number, not {value!r}")
    return value
