"""Which model a run takes: the one that is named, or the best for this machine that is here.

What is best is told by rules over numbers, with the reason in words.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from qwenagent.errors import ChecksumMismatch, ModelError, ModelNotFound
from qwenagent.registry.cards import Card, find_card, load_cards
from qwenagent.registry.fits import GPU_SHARE, needed_bytes
from qwenagent.registry.machine import Machine
from qwenagent.registry.sizes import human_bytes
from qwenagent.registry.store import installed, local_file, path_of

_RAM_SHARE = 0.4
"""Of the available memory: editor, browser and test suite want theirs too."""
_MANY_CORES = 8
_MAX_BILLIONS_FEW_CORES = 2.0
_MAX_BILLIONS_MANY_CORES = 8.0


@dataclass(frozen=True, slots=True)
class Choice:
    """A model and the reason for it."""

    card: Card
    why: str
    """One or two sentences with the numbers."""


def pick(cards: Iterable[Card], machine: Machine, obtainable: Collection[str]) -> Choice:
    """Choose among the default models that are installed or can be fetched (`obtainable` names).

    Raises:
        ModelNotFound: none of them can be had.
    """
    defaults = [card for card in cards if card.default]
    usable = sorted(
        (card for card in defaults if card.name in obtainable), key=lambda card: card.size_bytes
    )
    if not usable:
        names = ", ".join(card.name for card in defaults)
        raise ModelNotFound(
            f"none of the default models ({names}) is installed or can be fetched from here",
            hint="connect to the network, or pass --model /path/to/file.gguf",
        )
    return _for_gpu(usable, machine) or _for_cpu(usable, machine)


def _for_gpu(usable: list[Card], machine: Machine) -> Choice | None:
    if not machine.gpu_bytes:
        return None
    fitting = [card for card in usable if needed_bytes(card) <= GPU_SHARE * machine.gpu_bytes]
    if not fitting:
        return None
    best = fitting[-1]
    return Choice(
        best,
        f"{best.name} is the largest model to be had that fits into the GPU: {_needs(best)}, "
        f"{human_bytes(machine.gpu_bytes)} are free there.",
    )


def _for_cpu(usable: list[Card], machine: Machine) -> Choice:
    many = machine.n_cores >= _MANY_CORES
    cap = _MAX_BILLIONS_MANY_CORES if many else _MAX_BILLIONS_FEW_CORES
    fast_enough = [card for card in usable if card.parameters <= cap]
    budget = _RAM_SHARE * machine.ram_bytes
    fitting = [card for card in fast_enough if needed_bytes(card) <= budget]
    if fitting:
        return Choice(fitting[-1], _why_cpu(fitting[-1], machine))
    smallest = usable[0]
    return Choice(smallest, _why_smallest(smallest, machine, too_slow=not fast_enough))


def _why_cpu(card: Card, machine: Machine) -> str:
    return (
        f"{_no_gpu(machine)}, so each token has to read all {human_bytes(card.size_bytes)} of the "
        f"model from memory. {card.name} is the largest model to be had that stays quick on "
        f"{_cores(machine)} and fits into {_RAM_SHARE:.0%} of the "
        f"{human_bytes(machine.ram_bytes)} of memory available: {_needs(card)}."
    )


def _why_smallest(card: Card, machine: Machine, *, too_slow: bool) -> str:
    start = f"{card.name} is the smallest default model to be had"
    if too_slow:
        return (
            f"{start}, and slow here: {_no_gpu(machine).lower()}, and each token has to read "
            f"{human_bytes(card.size_bytes)} from memory on {_cores(machine)}."
        )
    return (
        f"{start}. At {human_bytes(needed_bytes(card))} it takes more than {_RAM_SHARE:.0%} of "
        f"the {human_bytes(machine.ram_bytes)} of memory available: close other programs if it "
        f"is slow."
    )


def _no_gpu(machine: Machine) -> str:
    if not machine.gpu_bytes:
        return "No usable GPU"
    return f"The {human_bytes(machine.gpu_bytes)} free on the GPU are too little"


def _needs(card: Card) -> str:
    total = human_bytes(needed_bytes(card))
    return f"it needs {total} with a context of {card.n_ctx} tokens"


def _cores(machine: Machine) -> str:
    return "1 core" if machine.n_cores == 1 else f"{machine.n_cores} cores"


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


def not_here(card: Card) -> ModelError:
    """Return the error for a model that is known and not on this machine, or only damaged."""
    path = path_of(card)
    if path.is_file():
        return ChecksumMismatch(
            f"{card.title} is not on this machine: {path} is {_what_is_wrong(path, card)}",
            hint=f"`qwenagent models pull {card.name}` replaces it",
        )
    return ModelNotFound(
        f"{card.title} is not on this machine",
        hint=f"`qwenagent models pull {card.name}` fetches it",
    )


def _what_is_wrong(path: Path, card: Card) -> str:
    if not os.access(path, os.R_OK):
        return "not readable for you"
    size = path.stat().st_size
    if size < card.size_bytes:
        return f"truncated: it has {size:,} of {card.size_bytes:,} bytes"
    if size > card.size_bytes:
        return f"not the official file: it has {size:,} bytes, that one {card.size_bytes:,}"
    return f"damaged: its SHA-256 is not the {card.sha256[:12]}... of the official file"


def _best_here(machine: Callable[[], Machine]) -> Card:
    cards = load_cards()
    here = [card.name for card in cards.values() if installed(card)]
    usable = frozenset(name for name in here if cards[name].default)
    if usable:
        return pick(cards.values(), machine(), usable).card
    broken = [card for card in cards.values() if card.name not in here and path_of(card).is_file()]
    if broken and not here:
        raise not_here(broken[0])
    others = f"; {', '.join(here)} is never picked by itself" if here else ""
    hint = "`qwenagent models pull` fetches one"
    if here:
        hint += f", `--model {here[0]}` uses what is here"
    raise ModelNotFound(f"no model is installed{others}", hint=hint)
