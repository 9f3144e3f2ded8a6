"""llama.cpp and the recogniser agree on tables and on random walks. Needs a vocabulary alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import repeat
from pathlib import Path

import pytest

from qwenagent.engine.constraint import Grammars
from qwenagent.engine.llama import start_backend
from qwenagent.grammar import Grammar, foreign_grammar, search_body
from tests.benchmarks.walks import Vocabulary, Walker, run
from tests.test_grammar_foreign import EXACT
from tests.test_grammar_search import BODIES, CODE, block

pytestmark = pytest.mark.model


@pytest.fixture(scope="module")
def model(test_gguf: Path) -> Iterator[Vocabulary]:
    start_backend(quiet=True)
    model = Vocabulary(test_gguf)
    yield model
    model.close()


def verdict(model: Vocabulary, grammar: Grammar, text: str) -> str:
    state = Grammars(model).constraint(grammar)
    try:
        for byte in text.encode():
            token = int(model.single_bytes[byte])
            if not state.allows(token):
                return "dead"
            state.accept(token)
        return "sentence" if state.may_end() else "beginning"
    finally:
        state.close()


def test_bodies_of_search_and_replace(model):
    grammar = search_body(CODE, "```")
    assert [verdict(model, grammar, body) for body, _ in BODIES] == [what for _, what in BODIES]


def test_a_long_file_is_searched(model):
    lines = [f'line {i} = "\\x"\r' if i % 3 else "" for i in range(10_000)]
    body = block("".join(f"{line}\n" for line in lines[5000:5009]), "new\n") + "```"
    assert verdict(model, search_body("\n".join(lines), "```"), body) == "sentence"


def test_schemas_of_others(model):
    for schema, good, bad in EXACT:
        grammar, _ = foreign_grammar("a test", schema)
        texts = [json.dumps(value, ensure_ascii=False) for value in [*good, *bad]]
        found = [verdict(model, grammar, text) == "sentence" for text in texts]
        assert found == [True] * len(good) + [False] * len(bad), schema


def test_500_walks(model):
    walker = Walker(model, seed=7)
    run(walker, 500, 7, repeat((40, 60)))
    tally = walker.tally
    assert tally.finished.total() + tally.cut.total() == 500
    assert set(tally.finished) == {"call", "body", "search"}
    assert tally.finished.total() > 250
    assert tally.n_refused > 500
    assert len(tally.tools) > 8
