"""How many layers of a model a GPU can hold. Pure sums over sizes; the engine knows the devices.

Layers are counted as llama.cpp does: the output layer is the first to go to the GPU, then the
blocks from the last to the first. The token embeddings stay in RAM.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qwenagent.registry.cards import Card
from qwenagent.registry.kv import KvType, kv_bytes

GPU_BUFFERS_BYTES = 300_000_000
"""Compute buffers for batches of 512 tokens, on each GPU."""
_MARGIN_BYTES = 2**30
_MARGIN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Layers:
    """The sizes of what can go to a GPU, in bytes."""

    blocks: tuple[int, ...]
    """The weights of each transformer block, first to last."""
    output: int
    """The weights of the output layer, where logits come from."""
    kv_per_token: int
    """KV cache of all blocks for one token in f16."""

    @property
    def count(self) -> int:
        """All layers, the output layer among them."""
        return len(self.blocks) + 1


def layers_of(card: Card) -> Layers:
    """Return the layers of a card's model, with blocks of one size each."""
    in_blocks = card.size_bytes - card.output_bytes - card.embedding_bytes
    block = max(0, -(-in_blocks // card.n_layers))
    return Layers((block,) * card.n_layers, card.output_bytes, card.kv_bytes_per_token)


def layers_on_gpu(layers: Layers, n_ctx: int, kv_type: KvType, free: Iterable[int]) -> int:
    """Return how many layers fit, 0 to `layers.count`; `free` has the free bytes of each GPU."""
    room = sum(max(0, gpu_room(n_bytes)) for n_bytes in free)
    cache = kv_bytes(layers.kv_per_token * n_ctx, kv_type) // max(1, len(layers.blocks))
    sizes = [layers.output, *(block + cache for block in reversed(layers.blocks))]
    for n, size in enumerate(sizes):
        room -= size
        if room < 0:
            return n
    return len(sizes)


def gpu_room(free_bytes: int) -> int:
    """Return the bytes for layers on a GPU; negative where not even the buffers have room.

    1 GiB or a tenth stays free, whichever is more: CUDA's pool grows while tokens are decoded, and
    a process whose pool cannot grow is aborted. llama.cpp's own --fit leaves 1 GiB, too.
    """
    margin = max(_MARGIN_BYTES, int(_MARGIN_SHARE * free_bytes))
    return free_bytes - margin - GPU_BUFFERS_BYTES
