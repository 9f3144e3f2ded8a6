from __future__ import annotations

import pytest

from qwenagent.errors import ModelNotFound
from qwenagent.registry import Choice, Machine, load_cards, needed_bytes, pick, probe_machine

CARDS = load_cards()
ALL = frozenset(CARDS)
GB = 1_000_000_000


@pytest.mark.parametrize(
    ("ram_gb", "gpu_gb", "n_cores", "obtainable", "expected"),
    [
        (64, 24, 4, ALL, "14b"),
        (64, 32, 4, ALL, "32b"),
        (64, 16, 4, ALL, "14b"),
        (64, 8, 4, ALL, "7b"),
        (64, 80, 4, {"3b", "7b"}, "7b"),
        (16, 4, 4, ALL, "1.5b"),
        (64, 2, 16, ALL, "7b"),
        (64, 0, 7, ALL, "1.5b"),
        (64, 0, 8, ALL, "7b"),
        (256, 0, 64, ALL, "7b"),
        (15, 0, 8, ALL, "1.5b"),
        (2, 0, 2, ALL, "1.5b"),
        (64, 0, 2, {"0.5b", "1.5b"}, "1.5b"),
        (64, 0, 2, {"3b", "7b", "14b"}, "7b"),
        (64, 80, 2, {"1.5b"}, "1.5b"),
    ],
)
def test_pick(ram_gb, gpu_gb, n_cores, obtainable, expected):
    machine = Machine(ram_gb * GB, gpu_gb * GB, n_cores)
    assert pick(CARDS.values(), machine, obtainable).card.name == expected


def test_the_reason_has_the_numbers():
    card = CARDS["1.5b"]
    assert needed_bytes(card) == 1_117_320_768 + 28_672 * 8192 + 600_000_000
    assert pick(CARDS.values(), Machine(24 * GB, 0, 2), ALL) == Choice(
        card,
        "No usable GPU, so each token has to read all 1.12 GB of the model from memory. 1.5b is "
        "the largest model to be had that stays quick on 2 cores and fits into 40% of the "
        "24.00 GB of memory available: it needs 1.95 GB with a context of 8192 tokens.",
    )
    assert pick(CARDS.values(), Machine(24 * GB, 12 * GB, 2), ALL) == Choice(
        CARDS["7b"],
        "7b is the largest model to be had that fits into the GPU: it needs 6.22 GB with a "
        "context of 16384 tokens, 12.00 GB are free there.",
    )
    assert "more than 40% of the 2.00 GB" in pick(CARDS.values(), Machine(2 * GB, 0, 2), ALL).why
    assert "slow here" in pick(CARDS.values(), Machine(64 * GB, 0, 1), {"7b"}).why


@pytest.mark.parametrize("obtainable", [frozenset(), {"0.5b"}, {"3b"}])
def test_nothing_to_pick(obtainable):
    with pytest.raises(ModelNotFound, match=r"none of the default models \(1\.5b, 7b, 14b, 32b\)"):
        pick(CARDS.values(), Machine(64 * GB, 0, 8), obtainable)


def test_probing_finds_this_machine(tmp_path):
    machine = probe_machine(5, cgroup_root=tmp_path)
    assert machine.gpu_bytes == 5
    assert machine.ram_bytes > 1_000_000
    assert machine.n_cores >= 1


def test_limits_of_a_container_count(tmp_path):
    (tmp_path / "memory.max").write_text("2000000\n", encoding="utf-8")
    (tmp_path / "memory.current").write_text("1800000\n", encoding="utf-8")
    (tmp_path / "memory.stat").write_text(
        "anon 1\ninactive_file 900000\nactive_file 100000\n", encoding="utf-8"
    )
    (tmp_path / "cpu.max").write_text("150000 100000\n", encoding="utf-8")
    assert probe_machine(cgroup_root=tmp_path) == Machine(1_200_000, 0, 1)


def test_no_limit_is_no_limit(tmp_path):
    free = probe_machine(cgroup_root=tmp_path / "none")
    (tmp_path / "memory.max").write_text("max\n", encoding="utf-8")
    (tmp_path / "memory.current").write_text("1\n", encoding="utf-8")
    (tmp_path / "cpu.max").write_text("max 100000\n", encoding="utf-8")
    machine = probe_machine(cgroup_root=tmp_path)
    assert machine.n_cores == free.n_cores
    assert machine.ram_bytes > 1_000_000
