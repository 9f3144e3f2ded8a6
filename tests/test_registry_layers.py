"""How many layers a GPU holds, for all cards and the usual sizes."""

from __future__ import annotations

import pytest

from qwenagent.registry import KvType, Layers, gpu_room, layers_of, layers_on_gpu, load_cards
from qwenagent.registry.kv import kv_bytes

CARDS = load_cards()
GIB = 2**30
SIZES_GIB = (1, 2, 4, 6, 8, 10, 12, 16, 24)


@pytest.mark.parametrize(
    ("name", "kv_type", "expected"),
    [
        ("0.5b", "f16", (0, 25, 25, 25, 25, 25, 25, 25, 25)),
        ("1.5b", "f16", (0, 16, 29, 29, 29, 29, 29, 29, 29)),
        ("1.5b", "q8_0", (0, 18, 29, 29, 29, 29, 29, 29, 29)),
        ("3b", "f16", (0, 10, 37, 37, 37, 37, 37, 37, 37)),
        ("7b", "f16", (0, 2, 15, 27, 29, 29, 29, 29, 29)),
        ("7b", "q8_0", (0, 3, 16, 29, 29, 29, 29, 29, 29)),
        ("14b", "f16", (0, 1, 10, 20, 29, 38, 46, 49, 49)),
        ("14b", "q8_0", (0, 1, 12, 23, 33, 44, 49, 49, 49)),
        ("32b", "f16", (0, 1, 7, 13, 19, 25, 30, 41, 62)),
        ("32b", "q8_0", (0, 1, 7, 14, 20, 27, 33, 45, 65)),
    ],
)
def test_the_cards_with_their_own_context(name, kv_type, expected):
    card = CARDS[name]
    layers = layers_of(card)
    found = [layers_on_gpu(layers, card.n_ctx, kv_type, [g * GIB]) for g in SIZES_GIB]
    assert tuple(found) == expected


@pytest.mark.parametrize("name", list(CARDS))
@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
def test_as_many_as_fit_and_no_more(name: str, kv_type: KvType) -> None:
    layers = layers_of(CARDS[name])
    per_block = layers.blocks[0] + kv_bytes(layers.kv_per_token * 4096, kv_type) // len(
        layers.blocks
    )
    for free in range(0, 24 * GIB, GIB // 3):
        n = layers_on_gpu(layers, 4096, kv_type, [free])
        taken = layers.output * (n > 0) + per_block * max(0, n - 1)
        following = per_block if n else layers.output
        assert taken <= max(0, gpu_room(free))
        assert n == layers.count or taken + following > gpu_room(free)


def test_what_stays_free():
    assert gpu_room(4 * GIB) == 3 * GIB - 300_000_000
    assert gpu_room(20 * GIB) == 18 * GIB - 300_000_000
    assert gpu_room(0) < 0


def test_blocks_go_from_the_last_to_the_first():
    layers = Layers((10 * GIB, GIB, GIB), GIB, 0)
    assert layers.count == 4
    assert layers_on_gpu(layers, 1, "f16", [6 * GIB]) == 3


def test_each_gpu_keeps_its_margin():
    layers = layers_of(CARDS["32b"])
    alone = layers_on_gpu(layers, 16_384, "f16", [12 * GIB])
    both = layers_on_gpu(layers, 16_384, "f16", [12 * GIB, 12 * GIB])
    assert (alone, both) == (30, 61)
    assert both < layers_on_gpu(layers, 16_384, "f16", [24 * GIB])
    # One that is full takes nothing away from the other.
    assert layers_on_gpu(layers, 16_384, "f16", [12 * GIB, GIB // 2]) == alone
    assert layers_on_gpu(layers, 16_384, "f16", []) == 0


def test_a_card_counts_each_byte_once():
    for card in CARDS.values():
        layers = layers_of(card)
        counted = sum(layers.blocks) + layers.output + card.embedding_bytes
        assert 0 <= counted - card.size_bytes < card.n_layers
        assert layers.count == card.n_layers + 1


def test_a_quantised_cache_takes_34_bytes_for_32_values():
    assert kv_bytes(64, "f16") == 64
    assert kv_bytes(64, "q8_0") == 34
    assert kv_bytes(1, "q8_0") == 1
