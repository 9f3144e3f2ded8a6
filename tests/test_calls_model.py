"""Calls drawn by the real 0.5B at temperature 1: all of them valid, whatever it wanted to say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.grammar import call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Prompt, Sampling
from tests.states import State, check_call, make_state

pytestmark = pytest.mark.model


def draw(engine: EmbeddedEngine, state: State, n: int) -> list[str]:
    drawing = Sampling(temperature=1.0, top_p=1.0, top_k=512, max_tokens=256)
    grammar = call_grammar(state.offers, "a state")
    prompt = Prompt(state.messages, OPENING)
    done = []
    for seed in range(n):  # side by side the same answer would come once
        done += engine.complete(prompt, sampling=replace(drawing, seed=seed), grammar=grammar)
    assert [c.stop for c in done] == ["stop"] * n
    return [OPENING + c.text for c in done]


@pytest.mark.parametrize(
    ("n_states", "n_samples"), [(4, 3), pytest.param(50, 6, marks=pytest.mark.slow)]
)
def test_every_call_is_valid(
    test_gguf: Path, n_threads: int, cache: Path, tmp_path: Path, n_states: int, n_samples: int
) -> None:
    engine = EmbeddedEngine("test", LoadSettings(test_gguf, 4096, n_threads, cache=cache))
    try:
        calls = []
        for seed in range(n_states):
            state = make_state(tmp_path / str(seed), seed)
            for text in draw(engine, state, n_samples):
                check_call(state, text)
                calls.append(text)
    finally:
        engine.close()
    assert len(calls) == n_states * n_samples
    print(f"{len(calls)} of {len(calls)} calls valid, {len(set(calls))} different")
