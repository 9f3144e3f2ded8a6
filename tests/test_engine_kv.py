"""The KV cache in its two types, with the real 0.5B."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.engine.context import Context
from qwenagent.engine.llama import Model, start_backend
from qwenagent.protocol.messages import Message, Prompt, Sampling
from qwenagent.registry import KvType
from qwenagent.registry.kv import kv_bytes

pytestmark = pytest.mark.model

CODE = Prompt(
    (Message("system", "You write Python."), Message("user", "Write a function add(a, b).")),
    "```python\ndef add(a, b):\n    return",
)


@pytest.fixture(scope="module")
def settings(test_gguf: Path, n_threads: int, cache: Path) -> LoadSettings:
    return LoadSettings(test_gguf, n_ctx=1024, n_threads=n_threads, kv_type="q8_0", cache=cache)


@pytest.fixture
def engine(settings: LoadSettings) -> Iterator[EmbeddedEngine]:
    engine = EmbeddedEngine("test", settings)
    yield engine
    engine.close()


def test_a_quantised_cache_answers_with_code(engine):
    [done] = engine.complete(CODE, sampling=Sampling(max_tokens=8))
    assert done.text.startswith(" a + b\n")
    assert engine.describe().details["kv_type"] == "q8_0"


def test_a_quantised_cache_takes_about_half(settings, tmp_path):
    start_backend(quiet=True)
    model = Model(settings)
    ids = model.encode(CODE)
    kinds: tuple[KvType, KvType] = ("f16", "q8_0")
    sizes = []
    try:
        for kv_type in kinds:
            context = Context(model, replace(settings, kv_type=kv_type))
            context.decode(ids)
            path = tmp_path / kv_type
            assert context.save(path)
            assert context.load(path)
            assert context.tokens == ids
            sizes.append(path.stat().st_size)
            context.close()
    finally:
        model.close()
    saved = len(ids) * 12_288
    assert sizes[0] - sizes[1] == saved - kv_bytes(saved, "q8_0")
