"""Walks with random logits: llama.cpp and the recogniser agree, and what is written is right."""

from __future__ import annotations

from itertools import repeat
from pathlib import Path

import pytest

from qwenagent.engine.llama import start_backend
from tests.benchmarks.walks import Vocabulary, Walker, run

pytestmark = pytest.mark.model


def test_500_walks(test_gguf: Path) -> None:
    start_backend(quiet=True)
    model = Vocabulary(test_gguf)
    try:
        walker = Walker(model, seed=7)
        run(walker, 500, 7, repeat((40, 60)))
    finally:
        model.close()
    tally = walker.tally
    assert tally.finished.total() + tally.cut.total() == 500
    assert set(tally.finished) == {"call", "body", "search"}
    assert tally.finished.total() > 250
    assert tally.n_refused > 500
    assert len(tally.tools) > 8
