"""Loading with as many layers on the GPU as fit, and with fewer where they do not after all.

Knows sizes and a function that loads; llama.cpp is behind that function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from qwenagent.engine.device import Device
from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import KvType, Layers, layers_on_gpu

AUTO = -1
"""As a number of layers: what fits."""
_FEWER = 4
_TRIES = 4

Loaded = TypeVar("Loaded")


@dataclass(frozen=True, slots=True)
class Placed(Generic[Loaded]):
    """What was loaded, and where it is computed."""

    loaded: Loaded
    device: str
    """For people: the GPUs, or the CPU."""
    layers: str = ""
    """Such as "21 of 29", empty without a GPU."""


def load_on(
    gpus: Sequence[Device], layers: Layers, n_layers: int, load: Callable[[int], Loaded]
) -> Placed[Loaded]:
    """Call `load` with numbers of layers for the GPUs, `n_layers` first, until one works.

    Raises:
        ModelLoadFailed: it did not work without the GPUs either.
    """
    loaded, got = _first_that_loads(load, attempts(min(n_layers, layers.count)))
    names = " + ".join(str(gpu) for gpu in gpus)
    told = f"{got} of {layers.count}"
    if not got:
        return Placed(loaded, f"CPU, no room on {names}", told)
    part = "" if got == layers.count else f", {told} layers"
    return Placed(loaded, names + part, told)


def fitting_layers(gpus: Sequence[Device], layers: Layers, n_ctx: int, kv_type: KvType) -> int:
    """Return how many layers the GPUs have room for now, the output layer among them."""
    return layers_on_gpu(layers, n_ctx, kv_type, [gpu.free_bytes for gpu in gpus])


def attempts(n_layers: int) -> list[int]:
    """Return the numbers of layers to try: a few times four fewer, since each reads the file."""
    tries = (n_layers - _FEWER * i for i in range(_TRIES))
    return [*(n for n in tries if n > 0), 0]


def _first_that_loads(load: Callable[[int], Loaded], tries: Sequence[int]) -> tuple[Loaded, int]:
    for n_layers in tries[:-1]:
        try:
            return load(n_layers), n_layers
        except ModelLoadFailed:
            continue  # perhaps for want of memory there; the last try tells any other reason
    return load(tries[-1]), tries[-1]
