"""Loading with layers on a GPU, and with fewer; the loader stands for a GPU of some size."""

from __future__ import annotations

import pytest

from qwenagent.engine.device import Device
from qwenagent.engine.offload import Placed, attempts, fitting_layers, load_on
from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import layers_of, load_cards

GIB = 2**30
GPU = Device("CUDA0", "NVIDIA RTX 4060", "GPU", 8 * GIB, 8 * GIB)
OTHER = Device("CUDA1", "NVIDIA RTX 4090", "GPU", 24 * GIB, 24 * GIB)
LAYERS = layers_of(load_cards()["7b"])


class Loader:
    """Loads up to so many layers, and notes what was asked of it."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.asked: list[int] = []

    def __call__(self, n_layers: int) -> str:
        self.asked.append(n_layers)
        if n_layers > self.room:
            raise ModelLoadFailed(f"no room for {n_layers} layers")
        return f"loaded with {n_layers}"


@pytest.mark.parametrize(
    ("room", "wanted", "asked", "device", "told"),
    [
        (29, 29, [29], "CUDA0 (NVIDIA RTX 4060)", "29 of 29"),
        (29, 99, [29], "CUDA0 (NVIDIA RTX 4060)", "29 of 29"),
        (20, 20, [20], "CUDA0 (NVIDIA RTX 4060), 20 of 29 layers", "20 of 29"),
        (25, 29, [29, 25], "CUDA0 (NVIDIA RTX 4060), 25 of 29 layers", "25 of 29"),
        (18, 29, [29, 25, 21, 17], "CUDA0 (NVIDIA RTX 4060), 17 of 29 layers", "17 of 29"),
        (16, 29, [29, 25, 21, 17, 0], "CPU, no room on CUDA0 (NVIDIA RTX 4060)", "0 of 29"),
        (2, 5, [5, 1], "CUDA0 (NVIDIA RTX 4060), 1 of 29 layers", "1 of 29"),
        (29, 0, [0], "CPU, no room on CUDA0 (NVIDIA RTX 4060)", "0 of 29"),
    ],
)
def test_fewer_layers_until_it_loads(room, wanted, asked, device, told):
    loader = Loader(room)
    placed = load_on([GPU], LAYERS, wanted, loader)
    assert placed == Placed(f"loaded with {asked[-1]}", device, told)
    assert loader.asked == asked


def test_what_does_not_load_without_a_gpu_either_is_told():
    loader = Loader(-1)
    with pytest.raises(ModelLoadFailed, match="no room for 0 layers"):
        load_on([GPU], LAYERS, 7, loader)
    assert loader.asked == [7, 3, 0]


def test_another_error_is_not_tried_again():
    asked = []

    def broken(n_layers: int) -> str:
        asked.append(n_layers)
        raise MemoryError

    with pytest.raises(MemoryError):
        load_on([GPU], LAYERS, 29, broken)
    assert asked == [29]


def test_several_gpus():
    placed = load_on([GPU, OTHER], LAYERS, 29, Loader(29))
    assert placed.device == "CUDA0 (NVIDIA RTX 4060) + CUDA1 (NVIDIA RTX 4090)"


@pytest.mark.parametrize("wanted", range(40))
def test_the_tries_end_without_the_gpu(wanted):
    tries = attempts(wanted)
    assert tries[0] == wanted
    assert tries[-1] == 0
    assert tries == sorted(set(tries), reverse=True)
    assert len(tries) <= 5


def test_the_free_memory_of_the_gpus_decides():
    assert fitting_layers([GPU], LAYERS, 16_384, "f16") == 29
    small = Device("CUDA0", "small", "GPU", 4 * GIB, 24 * GIB)
    assert fitting_layers([small], LAYERS, 16_384, "f16") == 15
    assert fitting_layers([], LAYERS, 16_384, "f16") == 0
