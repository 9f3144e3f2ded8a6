from __future__ import annotations

import pytest

from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import (
    Fit,
    KvType,
    Machine,
    Need,
    fit_rows,
    fits_markdown,
    largest_context,
    load_cards,
    need,
    needed_bytes,
    require_fits,
)
from qwenagent.registry.fits import MIN_CTX

CARDS = load_cards()
GB = 1_000_000_000
GIB = 2**30


def refusal(name: str, machine: Machine, n_ctx: int = 0, kv_type: KvType | None = None) -> str:
    with pytest.raises(ModelLoadFailed) as caught:
        require_fits(CARDS[name], machine, n_ctx, kv_type)
    return str(caught.value)


def test_the_sum():
    wanted = need(CARDS["1.5b"])
    assert wanted == Need(1_117_320_768, 28_672 * 8192, 600_000_000, 8192)
    assert wanted.total == needed_bytes(CARDS["1.5b"]) == 1_952_201_792
    assert need(CARDS["1.5b"], 100).kv_cache == 2_867_200


def test_the_sum_with_a_quantised_cache():
    wanted = need(CARDS["1.5b"], 8192, "q8_0")
    assert wanted == Need(1_117_320_768, 28_672 * 8192 * 17 // 32, 600_000_000, 8192, "q8_0")
    assert str(wanted) == (
        "1.84 GB (1.12 GB weights + 125 MB KV cache in q8_0 for 8,192 tokens + 600 MB buffers)"
    )


def test_the_refusal_has_the_sum_and_what_would_fit():
    assert refusal("1.5b", Machine(int(1.9 * GB), 0, 2), 8192, "f16") == (
        "1.5b needs 1.95 GB (1.12 GB weights + 235 MB KV cache for 8,192 tokens + 600 MB "
        "buffers), 1.90 GB are free\n"
        '--model 0.5b needs 1.19 GB, or model.kv_type = "q8_0" needs 1.84 GB, or '
        "model.n_ctx = 6144 needs 1.89 GB, or close programs that hold 52 MB"
    )


def test_first_the_cache_gives_way_then_the_context():
    card = CARDS["1.5b"]
    needs = (
        "1.5b needs 1.95 GB (1.12 GB weights + 235 MB KV cache for 8,192 tokens + 600 MB buffers)"
    )
    assert require_fits(card, Machine(2 * GB, 0, 2)) == Fit(need(card))
    assert require_fits(card, Machine(int(1.9 * GB), 0, 2)) == Fit(
        need(card, 8192, "q8_0"), f"{needs}, 1.90 GB are free; it runs with a KV cache in q8_0"
    )
    assert require_fits(card, Machine(int(1.8 * GB), 0, 2)) == Fit(
        need(card, 5120, "q8_0"),
        f"{needs}, 1.80 GB are free; it runs with a context of 5,120 tokens and a KV cache in q8_0",
    )
    assert require_fits(card, Machine(int(1.85 * GB), 0, 2), kv_type="f16") == Fit(
        need(card, 4096, "f16"),
        f"{needs}, 1.85 GB are free; it runs with a context of 4,096 tokens",
    )
    assert "needs 1.95 GB" in refusal("1.5b", Machine(int(1.75 * GB), 0, 2))


def test_a_context_that_was_asked_for_is_not_made_smaller():
    card = CARDS["1.5b"]
    assert require_fits(card, Machine(int(1.9 * GB), 0, 2), 8192).need == need(card, 8192, "q8_0")
    assert "model.n_ctx = 5120 needs" in refusal("1.5b", Machine(int(1.8 * GB), 0, 2), 8192)


def test_a_type_that_was_asked_for_is_used():
    assert require_fits(CARDS["1.5b"], Machine(9 * GB, 0, 2), 0, "q8_0") == Fit(
        need(CARDS["1.5b"], 8192, "q8_0")
    )


def test_gpu_and_ram_count_together_but_not_twice():
    both = Machine(4 * GB, 2 * GB, 8)
    assert "6.00 GB (4.00 GB RAM + 2.00 GB GPU) are free" in refusal("7b", both, 16_384, "f16")
    require_fits(CARDS["7b"], Machine(4 * GB, 3 * GB, 8))
    unified = Machine(6 * GB, 5 * GB, 8, unified=True)
    assert "buffers), 6.00 GB are free" in refusal("7b", unified, 16_384, "f16")


def test_a_default_model_is_named_before_one_with_another_licence():
    told = refusal("14b", Machine(4 * GB, 0, 8))
    assert "--model 1.5b needs 1.95 GB" in told
    assert "n_ctx" not in told


def test_a_machine_too_small_for_all():
    told = refusal("0.5b", Machine(GB, 0, 1))
    assert told.endswith("1.00 GB are free\nclose programs that hold 192 MB")


@pytest.mark.parametrize("name", list(CARDS))
def test_the_limit_is_exact(name):
    card = CARDS[name]
    assert require_fits(card, Machine(needed_bytes(card), 0, 1)).need.n_ctx == card.n_ctx
    refusal(name, Machine(needed_bytes(card) - 1, 0, 1), card.n_ctx, "f16")
    refusal(name, Machine(needed_bytes(card), 0, 1), card.n_ctx + 1, "f16")
    least = needed_bytes(card, MIN_CTX, "q8_0")
    assert require_fits(card, Machine(least, 0, 1)).need == need(card, MIN_CTX, "q8_0")
    refusal(name, Machine(least - 1, 0, 1))


@pytest.mark.parametrize("kv_type", ["f16", "q8_0"])
@pytest.mark.parametrize("name", list(CARDS))
def test_the_largest_context_fits_and_the_next_does_not(name: str, kv_type: KvType) -> None:
    card = CARDS[name]
    for n_bytes in range(0, 40 * GB, GB // 3):
        n_ctx = largest_context(card, n_bytes, kv_type)
        if n_ctx:
            assert needed_bytes(card, n_ctx, kv_type) <= n_bytes
            assert 4096 <= n_ctx <= card.n_ctx_train
            assert n_ctx % 1024 == 0
        if n_ctx < card.n_ctx_train:
            assert needed_bytes(card, max(n_ctx + 1024, 4096), kv_type) > n_bytes


def test_the_table_is_of_the_cards():
    rows = {row.card.name: (row.on_gpu, row.in_ram) for row in fit_rows(CARDS.values())}
    every = (32_768,) * 4
    assert rows == {
        "0.5b": (every, every),
        "1.5b": (every, every),
        "3b": (every, every),
        "7b": (every, (7168, 32_768, 32_768, 32_768)),
        "14b": ((0, 9216, 29_696, 32_768), (0, 0, 9216, 32_768)),
        "32b": ((0, 0, 0, 10_240), (0, 0, 0, 0)),
    }
    card, by_hand = CARDS["14b"], int(0.9 * 12 * GIB) - 8_988_110_272 - 600_000_000
    assert rows["14b"][0][1] == by_hand // card.kv_bytes_per_token // 1024 * 1024


def test_the_markdown_has_a_line_for_each_card():
    head, rule, *rest = fits_markdown().split("\n")
    assert head.startswith("| model | file | GPU 8 GB | GPU 12 GB |")
    assert set(rule) == set("| -")
    table = [[cell.strip() for cell in line.split("|")[1:-1]] for line in rest[:6]]
    assert [row[0] for row in table] == list(CARDS)
    assert table[4] == [
        *("14b", "8.99 GB", "no", "9,216*", "29,696", "32,768", "no", "no", "9,216*", "32,768"),
    ]
    assert rest[6] == rest[8] == ""
    assert rest[7].startswith("Q4_K_M files; ")
