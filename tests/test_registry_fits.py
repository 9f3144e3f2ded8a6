from __future__ import annotations

import pytest

from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import (
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

CARDS = load_cards()
GB = 1_000_000_000
GIB = 2**30


def refusal(name: str, machine: Machine, n_ctx: int = 0) -> str:
    with pytest.raises(ModelLoadFailed) as caught:
        require_fits(CARDS[name], machine, n_ctx)
    return str(caught.value)


def test_the_sum():
    wanted = need(CARDS["1.5b"])
    assert wanted == Need(1_117_320_768, 28_672 * 8192, 600_000_000, 8192)
    assert wanted.total == needed_bytes(CARDS["1.5b"]) == 1_952_201_792
    assert need(CARDS["1.5b"], 100).kv_cache == 2_867_200


def test_the_refusal_has_the_sum_and_what_would_fit():
    assert refusal("1.5b", Machine(int(1.9 * GB), 0, 2)) == (
        "1.5b needs 1.95 GB (1.12 GB weights + 235 MB KV cache for 8,192 tokens + 600 MB "
        "buffers), 1.90 GB are free\n"
        "--model 0.5b needs 1.19 GB, or model.n_ctx = 6144 needs 1.89 GB, or close programs that "
        "hold 52 MB"
    )


def test_gpu_and_ram_count_together_but_not_twice():
    both = Machine(4 * GB, 2 * GB, 8)
    assert "6.00 GB (4.00 GB RAM + 2.00 GB GPU) are free" in refusal("7b", both)
    require_fits(CARDS["7b"], Machine(4 * GB, 3 * GB, 8))
    unified = Machine(6 * GB, 5 * GB, 8, unified=True)
    assert "buffers), 6.00 GB are free" in refusal("7b", unified)


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
    require_fits(card, Machine(needed_bytes(card), 0, 1))
    refusal(name, Machine(needed_bytes(card) - 1, 0, 1))
    refusal(name, Machine(needed_bytes(card), 0, 1), card.n_ctx + 1)


@pytest.mark.parametrize("name", list(CARDS))
def test_the_largest_context_fits_and_the_next_does_not(name):
    card = CARDS[name]
    for n_bytes in range(0, 40 * GB, GB // 3):
        n_ctx = largest_context(card, n_bytes)
        if n_ctx:
            assert needed_bytes(card, n_ctx) <= n_bytes
            assert 4096 <= n_ctx <= card.n_ctx_train
            assert n_ctx % 1024 == 0
        if n_ctx < card.n_ctx_train:
            assert needed_bytes(card, max(n_ctx + 1024, 4096)) > n_bytes


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
