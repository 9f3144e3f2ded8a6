"""Which doubt about a part of an answer counts. Knows neither tokens nor what the part means."""

from __future__ import annotations

from collections.abc import Iterable

from qwenagent.protocol.messages import Doubt


def worst_doubt(doubts: Iterable[Doubt], start: int, end: int) -> Doubt | None:
    """Return the doubt about `text[start:end]` with the most cut away, None if there is none.

    The first of several. One at `end` counts: where the part ends the model may have wanted to go
    on. What is left to tell nothing about is a part that was never looked at, so None is no trust.
    """
    return max((d for d in doubts if start <= d.at <= end), key=lambda d: d.cut, default=None)
