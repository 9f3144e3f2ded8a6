"""The words of `run_command`, the one call that starts something. Starts nothing itself."""

from __future__ import annotations

import re

from qwenagent.errors import EditRefused
from qwenagent.protocol.tools import ToolCall
from qwenagent.tools.specs import COMMAND_CHARS, COMMAND_WORDS

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


def argv_of(call: ToolCall) -> tuple[str, ...]:
    """Return the program and its arguments, and nothing else: where it runs is not for the model.

    Raises:
        EditRefused: they are no list of words as the grammar writes it, or there is more.
    """
    argv = call.arguments.get("argv")
    if set(call.arguments) != {"argv"} or not isinstance(argv, list):
        raise EditRefused(f"{call.name} takes argv, a list of words, and nothing else")
    words = [word for word in argv if isinstance(word, str)]
    if not words or len(words) != len(argv) or len(words) > COMMAND_WORDS:
        raise EditRefused(f"argv has to be 1 to {COMMAND_WORDS} strings, and here are {len(argv)}")
    for word in words:
        if not 1 <= len(word) <= COMMAND_CHARS or _CONTROL.search(word):
            raise EditRefused(
                f"{word[:40]!r} in argv is no word of 1 to {COMMAND_CHARS} characters without "
                "control characters"
            )
    return tuple(words)
