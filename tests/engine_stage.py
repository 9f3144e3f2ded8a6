"""For tests of how answers are written: a model, its context, costs, and what a decoder writes.

The fixtures are for those who give them a name: `model = engine_stage.model`. `settings` is the
real 0.5B, unless a module has its own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from qwenagent.engine import LoadSettings, family
from qwenagent.engine.constraint import Grammars
from qwenagent.engine.context import N_BATCH, Context
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model, start_backend
from qwenagent.engine.pace import LENGTHS
from qwenagent.engine.sampler import Candidates
from qwenagent.engine.writing import Watch
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Prompt, Sampling

GREEDY = Sampling(max_tokens=60)
FLAT = tuple(1.0 + 0.001 * n for n in LENGTHS)
"""Costs with which almost any guess is worth it, whatever the machine."""


@pytest.fixture(scope="module")
def settings(test_gguf: Path, n_threads: int) -> LoadSettings:
    return LoadSettings(test_gguf, n_ctx=1024, n_threads=n_threads)


@pytest.fixture(scope="module")
def model(settings: LoadSettings) -> Iterator[Model]:
    start_backend(quiet=True)
    model = Model(settings)
    yield model
    model.close()


@pytest.fixture(scope="module")
def context(model: Model, settings: LoadSettings) -> Iterator[Context]:
    context = Context(model, settings)
    yield context
    context.close()


@pytest.fixture(scope="module")
def flat_costs(model: Model, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder in which flat costs were measured."""
    return keep_costs(tmp_path_factory.mktemp("costs"), model, FLAT)


def keep_costs(folder: Path, model: Model, costs: Sequence[float]) -> Path:
    """Make a folder a cache in which the costs of batches are known."""
    text = json.dumps({model.describe(): list(costs)})
    (folder / "costs.json").write_text(text, encoding="utf-8")
    return folder


def write(
    decoder: Decoder,
    prompt: Prompt,
    grammar: Grammar | None,
    samplings: Sequence[Sampling] = (GREEDY,),
    *,
    doubts: bool = True,
) -> list[Completion]:
    watch = Watch(lambda *_: None, lambda *_: None, lambda: False, doubts=doubts)
    return decoder.complete(prompt, grammar, samplings, watch)


def candidates_behind(
    model: Model, context: Context, prompt: Prompt, grammar: Grammar | None, tokens: Sequence[int]
) -> Candidates:
    """Read `tokens` one by one; return the whole vocabulary behind them, masked by the grammar."""
    ids = model.encode(prompt)
    context.keep(0)
    for at in range(0, len(ids), N_BATCH):
        context.decode(ids[at : at + N_BATCH])
    for token in tokens:
        context.decode([token])
    every = np.array([i for i in range(model.n_vocab) if i not in family.NEVER_WRITTEN])
    candidates = Candidates(every, context.logits()[every])
    if grammar:
        state = Grammars(model).constraint(grammar)
        for token in tokens:
            assert state.allows(token)
            state.accept(token)
        state.mask(candidates)
        state.close()
    return candidates
