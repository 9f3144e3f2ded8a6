"""Whether a model fits into memory, with the sum written out: weights, KV cache, buffers.

Pure rules over cards and numbers; `machine` says what there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qwenagent.errors import ModelLoadFailed
from qwenagent.registry.cards import Card, load_cards
from qwenagent.registry.kv import SMALLEST, KvType, kv_bytes
from qwenagent.registry.machine import Machine
from qwenagent.registry.sizes import human_bytes

BUFFERS_BYTES = 600_000_000
"""Compute buffers (40 MB for the 0.5B, some 300 MB for the 32B), llama.cpp and the program."""
MIN_CTX = 4096
"""With less context a step's prompt and its answer have no room."""
MEMORY_SIZES_GIB = (8, 12, 16, 24)
GPU_SHARE = 0.9
"""Of a GPU's memory: the driver keeps some, and a screen may hang on it."""
SYSTEM_SHARE = 2 / 3
"""Of RAM, and of memory that CPU and GPU share: what macOS lets its GPU have of up to 36 GB."""
_CTX_STEP = 1024


@dataclass(frozen=True, slots=True)
class Need:
    """The memory a model takes with a context of `n_ctx` tokens, in bytes."""

    weights: int
    kv_cache: int
    buffers: int
    n_ctx: int
    kv_type: KvType = "f16"

    @property
    def total(self) -> int:
        """The sum."""
        return self.weights + self.kv_cache + self.buffers

    def __str__(self) -> str:
        kind = "" if self.kv_type == "f16" else f"in {self.kv_type} "
        return (
            f"{human_bytes(self.total)} ({human_bytes(self.weights)} weights + "
            f"{human_bytes(self.kv_cache)} KV cache {kind}for {self.n_ctx:,} tokens + "
            f"{human_bytes(self.buffers)} buffers)"
        )


def need(card: Card, n_ctx: int = 0, kv_type: KvType | None = None) -> Need:
    """Return what the card's model needs; without `n_ctx` and `kv_type` those of the card."""
    n_ctx, kind = n_ctx or card.n_ctx, kv_type or card.kv_type
    cache = kv_bytes(card.kv_bytes_per_token * n_ctx, kind)
    return Need(card.size_bytes, cache, BUFFERS_BYTES, n_ctx, kind)


def needed_bytes(card: Card, n_ctx: int = 0, kv_type: KvType | None = None) -> int:
    """Return the sum of `need`."""
    return need(card, n_ctx, kv_type).total


def largest_context(card: Card, n_bytes: int, kv_type: KvType | None = None) -> int:
    """Return the largest context for which `n_bytes` suffice, 0 if not even MIN_CTX tokens do.

    Whole steps of 1,024 tokens, and no more than the model was trained for.
    """
    left = n_bytes - card.size_bytes - BUFFERS_BYTES
    step = kv_bytes(card.kv_bytes_per_token * _CTX_STEP, kv_type or card.kv_type)
    n_ctx = left // step * _CTX_STEP
    return min(n_ctx, card.n_ctx_train) if n_ctx >= MIN_CTX else 0


@dataclass(frozen=True, slots=True)
class Fit:
    """How a model is loaded so that memory holds it."""

    need: Need
    notice: str = ""
    """What is less than the card says, and why; empty if nothing is."""


def require_fits(
    card: Card, machine: Machine, n_ctx: int = 0, kv_type: KvType | None = None
) -> Fit:
    """Return how to load a model here; without `n_ctx` and `kv_type` what the card says, or less.

    First the KV cache gives way, in q8_0 at the full context, then the context. RAM and GPU memory
    count together.

    Raises:
        ModelLoadFailed: memory cannot hold it; with the sum and what would fit.
    """
    wanted, free = need(card, n_ctx, kv_type), machine.model_bytes
    if wanted.total <= free:
        return Fit(wanted)
    smallest = kv_type or SMALLEST
    less = need(card, n_ctx, smallest)
    if less.total > free and not n_ctx and (room := largest_context(card, free, smallest)):
        less = need(card, room, smallest)
    if less.total <= free:
        return Fit(less, f"{_too_much(card, wanted, machine)}; it runs with {_less(less, wanted)}")
    raise ModelLoadFailed(
        _too_much(card, wanted, machine), hint=_ways_out(card, free, wanted, smallest)
    )


def _too_much(card: Card, wanted: Need, machine: Machine) -> str:
    return f"{card.name} needs {wanted}, {_free(machine)} free"


def _less(less: Need, wanted: Need) -> str:
    parts = []
    if less.n_ctx != wanted.n_ctx:
        parts.append(f"a context of {less.n_ctx:,} tokens")
    if less.kv_type != wanted.kv_type:
        parts.append(f"a KV cache in {less.kv_type}")
    return " and ".join(parts)


def _free(machine: Machine) -> str:
    total = human_bytes(machine.model_bytes)
    if not machine.gpu_bytes or machine.unified:
        return f"{total} are"
    parts = f"{human_bytes(machine.ram_bytes)} RAM + {human_bytes(machine.gpu_bytes)} GPU"
    return f"{total} ({parts}) are"


def _ways_out(card: Card, free: int, wanted: Need, smallest: KvType) -> str:
    ways = []
    cards = load_cards().values()
    smaller = [c for c in cards if c.parameters < card.parameters and needed_bytes(c) <= free]
    if smaller:
        best = max(smaller, key=lambda c: (c.default, c.parameters))
        ways.append(f"--model {best.name} needs {human_bytes(needed_bytes(best))}")
    if needed_bytes(card, wanted.n_ctx, SMALLEST) <= free:
        total = human_bytes(needed_bytes(card, wanted.n_ctx, SMALLEST))
        ways.append(f'model.kv_type = "{SMALLEST}" needs {total}')
    if n_ctx := min(largest_context(card, free, smallest), wanted.n_ctx):
        total = human_bytes(needed_bytes(card, n_ctx, smallest))
        ways.append(f"model.n_ctx = {n_ctx} needs {total}")
    short = human_bytes(wanted.total - free)
    ways.append(f"close programs that hold {short}")
    return ", or ".join(ways)


@dataclass(frozen=True, slots=True)
class FitRow:
    """One model in the table: its largest context for each of `MEMORY_SIZES_GIB`, 0 for none."""

    card: Card
    on_gpu: tuple[int, ...]
    in_ram: tuple[int, ...]


def fit_rows(cards: Iterable[Card]) -> tuple[FitRow, ...]:
    """Return what fits into GPUs, and into RAM or unified memory, of the usual sizes."""
    return tuple(
        FitRow(card, _contexts(card, GPU_SHARE), _contexts(card, SYSTEM_SHARE)) for card in cards
    )


def _contexts(card: Card, share: float) -> tuple[int, ...]:
    return tuple(largest_context(card, int(share * size * 2**30)) for size in MEMORY_SIZES_GIB)


def fit_columns() -> tuple[str, ...]:
    """Return the headings of the table."""
    gpu, ram = ([f"{kind} {size} GB" for size in MEMORY_SIZES_GIB] for kind in ("GPU", "RAM"))
    return ("model", "file", *gpu, *ram)


def fit_cells(row: FitRow) -> tuple[str, ...]:
    """Return a row of the table as text."""
    contexts = (_cell(row.card, n_ctx) for n_ctx in (*row.on_gpu, *row.in_ram))
    return (row.card.name, human_bytes(row.card.size_bytes), *contexts)


def _cell(card: Card, n_ctx: int) -> str:
    tight = n_ctx < card.profile.context_tokens + card.profile.max_body_tokens
    return f"{n_ctx:,}{'*' if tight else ''}" if n_ctx else "no"


def fit_legend() -> str:
    """Return the sentences that belong below the table."""
    return (
        "Q4_K_M files; the figure is the largest context in tokens, up to the 32,768 the models "
        "were trained for, with the KV cache in f16 and "
        f"{human_bytes(BUFFERS_BYTES)} of buffers. {GPU_SHARE:.0%} of a GPU's memory counts, and "
        "two thirds of RAM or unified memory: the system and your tests want theirs. With * the "
        "longest steps do not fit. A run whose model does not fit with its usual context takes the "
        "KV cache in q8_0, which needs half, then less context, and says so. Without a GPU what "
        "fits may still be slow: each token reads the whole file."
    )


def fits_markdown() -> str:
    """Return the table of all cards in Markdown, with its legend."""
    lines = [_line(fit_columns()), _line(["---"] * len(fit_columns()))]
    lines += [_line(fit_cells(row)) for row in fit_rows(load_cards().values())]
    return "\n".join([*lines, "", fit_legend(), ""])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
