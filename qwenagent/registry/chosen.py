"""Which model a run takes: the one that is named, by name or path, or the best that is here."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from qwenagent.errors import ModelNotFound
from qwenagent.registry.cards import Card, find_card, load_cards
from qwenagent.registry.choose import pick
from qwenagent.registry.machine import Machine
from qwenagent.registry.store import installed, local_file


def is_model_path(name: str) -> bool:
    """Tell a GGUF file from the name of a model, which may be the file name on the hub."""
    return os.sep in name or (name.endswith(".gguf") and Path(name).exists())


def chosen_model(name: str, machine: Callable[[], Machine]) -> tuple[Card, Path]:
    """Return the card and the file of the model to use, which must be on this machine.

    `machine` is asked only if `name` is empty.

    Raises:
        ModelNotFound: it is not here.
        UnknownModel, ChecksumMismatch: there is no such model, or the file is not genuine.
    """
    if is_model_path(name):
        file = Path(name).expanduser().absolute()
        return local_file(file), file
    card = find_card(name) if name else _best_here(machine)
    path = installed(card)
    if path is None:
        raise not_here(card)
    return card, path


def not_here(card: Card) -> ModelNotFound:
    """Return the error for a model that is known and not on this machine."""
    return ModelNotFound(
        f"{card.title} is not on this machine",
        hint=f"`qwenagent models pull {card.name}` fetches it",
    )


def _best_here(machine: Callable[[], Machine]) -> Card:
    cards = load_cards()
    here = [card.name for card in cards.values() if installed(card)]
    usable = frozenset(name for name in here if cards[name].default)
    if usable:
        return pick(cards.values(), machine(), usable).card
    others = f"; {', '.join(here)} is never picked by itself" if here else ""
    hint = "`qwenagent models pull` fetches one"
    if here:
        hint += f", `--model {here[0]}` uses what is here"
    raise ModelNotFound(f"no model is installed{others}", hint=hint)
