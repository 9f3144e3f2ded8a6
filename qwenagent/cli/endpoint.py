"""The engine behind --endpoint, and the card of the model that it serves."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from qwenagent.errors import QwenAgentError, UsageError

if TYPE_CHECKING:
    from qwenagent.config import Settings
    from qwenagent.engine.remote import RemoteEngine, Served
    from qwenagent.registry import Card


def remote_engine(settings: Settings) -> tuple[RemoteEngine, Card]:
    """Return an engine that has asked its server, and the card of the model there.

    Raises:
        ModelLoadFailed, EngineError: the server serves another model, or does not answer.
        ConfigError: the endpoint is no address of a server.
        UsageError: it does not tell which size it serves, or `model.name` is a file.
    """
    from qwenagent.engine.remote import RemoteEngine, endpoint_of

    engine = RemoteEngine(endpoint_of(settings.model, os.environ))
    try:
        engine.start()
        return engine, served_card(engine.served, settings.model.name)
    except QwenAgentError:
        engine.close()
        raise


def served_card(served: Served, name: str) -> Card:
    """Return the card called `name`, or the one that what is served resembles most.

    Raises:
        UnknownModel: no card has this name.
        UsageError: `name` is a file, or the server does not tell which size it serves.
    """
    from qwenagent.registry import find_card, is_model_path, load_cards

    if name and is_model_path(name):
        raise UsageError(
            f"--model {name} is a file, and the model is the one of the endpoint",
            hint='--endpoint "" uses the file',
        )
    if name:
        return find_card(name)
    if card := _resembling(served, load_cards()):
        return card
    raise UsageError(
        f"the endpoint serves {served.name}, which does not tell its size",
        hint=f"say it: --model with one of {', '.join(load_cards())}",
    )


_SIZE = re.compile(r"(?<![\d.])\d+(?:\.\d+)?b(?![a-z\d])")
_MOST_APART = 1.35
"""Ratio of weights: llama.cpp counts the embeddings of some files twice, 0.63 billion for 0.5b."""


def _resembling(served: Served, cards: Mapping[str, Card]) -> Card | None:
    """Return the card of the size that stands in the served model's name, else the nearest."""
    for size in _SIZE.findall(served.name.lower()):
        if size in cards:
            return cards[size]
    if served.parameters <= 0:
        return None
    apart = {name: _ratio(card.parameters, served.parameters) for name, card in cards.items()}
    nearest = min(apart, key=lambda name: apart[name])
    return cards[nearest] if apart[nearest] <= _MOST_APART else None


def _ratio(a: float, b: float) -> float:
    return max(a, b) / min(a, b)
