"""Which model suits a machine: pure rules over values, with the reason in words."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from qwenagent.errors import ModelNotFound
from qwenagent.registry.cards import Card
from qwenagent.registry.fits import GPU_SHARE, needed_bytes
from qwenagent.registry.machine import Machine
from qwenagent.registry.sizes import human_bytes

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
