"""Takes closing brackets off the end of a body: with a method, small models close its class."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from qwenagent.errors import EditRefused
from qwenagent.syntax import syntax_error
from qwenagent.tools.splice import Spliced

_MOST = 3
_CLOSING = frozenset("})];,")


def without_surplus_ends(
    path: str, old: str, body: str, put_in: Callable[[str], Spliced]
) -> Spliced:
    """Return a text with a body put in, less its last lines where only without them it parses.

    They hold nothing but closing brackets, and are three at most.

    Raises:
        EditRefused: see `put_in`.
    """
    whole = put_in(body)
    if not syntax_error(path, old, whole.text):
        return whole
    for shorter in _with_fewer_ends(body):
        try:
            made = put_in(shorter)
        except EditRefused:
            continue
        if not syntax_error(path, old, made.text):
            return made
    return whole


def _with_fewer_ends(body: str) -> Iterator[str]:
    text = body.rstrip()
    for _ in range(_MOST):
        text, _, last = text.rpartition("\n")
        text = text.rstrip()
        if not text or not _CLOSING.issuperset(last.strip()):
            return
        yield f"{text}\n"
