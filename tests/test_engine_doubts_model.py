"""What a grammar cut away from the real 0.5B: near 1 where it was overruled, small where not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from qwenagent.engine import EmbeddedEngine, worst_doubt
from qwenagent.engine.context import Context
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.grammar import Grammar, Offer, OneOf, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Completion, Doubt, Message, Prompt
from qwenagent.tools import SPECS
from tests import engine_stage
from tests.engine_stage import GREEDY, candidates_behind, write

pytestmark = pytest.mark.model

WANTED = "src/inventory.py"
OTHERS = ("src/main.py", "src/parser.py", "tests/test_parser.py", "docs/usage.md")
PROMPT = Prompt(
    (
        Message(
            "system",
            "You answer with a call, one line of JSON, for example:\n"
            '{"name": "read_file", "arguments": {"path": "src/main.py"}}',
        ),
        Message("user", f"Read the file {WANTED} now, and no other one."),
    ),
    OPENING,
)
NEAR = 0.05
"""Logits of a batch and of single tokens differ in their last bits."""

# Fixtures, by the names that they have here.
settings, model = engine_stage.settings, engine_stage.model
context, flat_costs = engine_stage.context, engine_stage.flat_costs


def reading(*paths: str) -> Grammar:
    return call_grammar([Offer(SPECS["read_file"], {"path": OneOf(paths)})], "test")


def path_doubt(done: Completion) -> Doubt:
    """Return the worst doubt about the path."""
    path = json.loads(OPENING + done.text)["arguments"]["path"]
    start = done.text.index(path)
    found = worst_doubt(done.doubts, start, start + len(path))
    assert found is not None
    return found


def check_alike(one: Completion, other: Completion) -> None:
    """The same places with the same mass; what is hardly a doubt may be told by one alone."""
    assert one.text == other.text
    cuts, others = ({d.at: d.cut for d in done.doubts} for done in (one, other))
    for at in {*cuts, *others}:
        assert cuts.get(at, 0.0) == pytest.approx(others.get(at, 0.0), abs=NEAR), at


def test_a_path_that_is_missing_is_a_great_doubt(model, context):
    decoder = Decoder(model, context, guesses=False)
    [with_it] = write(decoder, PROMPT, reading(WANTED, *OTHERS))
    [without] = write(decoder, PROMPT, reading(*OTHERS))
    assert f'"{WANTED}"' in with_it.text
    assert path_doubt(with_it).cut < 0.2
    assert path_doubt(without).cut > 0.9
    wanted = [doubt.wanted for doubt in without.doubts if doubt.cut > 0.9]
    assert any(text.strip("/") and WANTED.find(text) >= 0 for text in wanted), wanted


@pytest.mark.parametrize(
    "path", ["src/main.py", "src/inventory_test.py"], ids=["another one", "one that begins alike"]
)
def test_a_single_path_that_is_forced_is_doubted_too(model, context, path):
    decoder = Decoder(model, context, guesses=False)
    [done] = write(decoder, PROMPT, reading(path))
    assert path_doubt(done).cut > 0.5
    [agreed] = write(decoder, PROMPT, reading(WANTED))
    assert path_doubt_cut(agreed) < 0.2


def path_doubt_cut(done: Completion) -> float:
    """Return the most that was cut away from the path, where it may be nothing at all."""
    start = done.text.index(WANTED)
    found = worst_doubt(done.doubts, start, start + len(WANTED))
    return found.cut if found else 0.0


def test_asking_for_doubts_changes_no_text(model, context):
    decoder = Decoder(model, context, guesses=False)
    for grammar in (reading(WANTED, *OTHERS), reading(*OTHERS), reading(WANTED)):
        [told] = write(decoder, PROMPT, grammar)
        [untold] = write(decoder, PROMPT, grammar, doubts=False)
        assert (told.text, told.stop, untold.doubts) == (untold.text, "stop", ())


def test_forced_text_guesses_and_forks_change_no_doubt(model, context, flat_costs):
    grammar = reading(WANTED, *OTHERS)
    [jumped] = write(Decoder(model, context, guesses=False), PROMPT, grammar)
    [plain] = write(Decoder(model, context, guesses=False, jumps=False), PROMPT, grammar)
    check_alike(jumped, plain)
    guessing = Decoder(model, context, cache=flat_costs)
    [guessed] = write(guessing, PROMPT, grammar)
    assert guessed.usage.guessed > 0
    check_alike(guessed, jumped)
    drawn = [replace(GREEDY, temperature=1.5, top_p=1.0, top_k=100, seed=s) for s in range(5)]
    answers = write(guessing, PROMPT, grammar, [GREEDY, *drawn])
    check_alike(answers[0], jumped)


def exact_cut(model: Model, context: Context, grammar: Grammar, tokens: Sequence[int]) -> float:
    """Return what a mask over the whole vocabulary cuts away behind `tokens`, read one by one."""
    candidates = candidates_behind(model, context, PROMPT, grammar, tokens)
    logits = context.logits().astype(np.float64)
    weights = np.exp(logits - logits.max())
    return 1.0 - float(weights[candidates.possible()].sum() / weights.sum())


def test_what_is_told_is_what_the_whole_vocabulary_says(model, context):
    for grammar in (reading(WANTED, *OTHERS), reading(*OTHERS)):
        [done] = write(Decoder(model, context, guesses=False, jumps=False), PROMPT, grammar)
        tokens = context.tokens[len(model.encode(PROMPT)) :]
        # Behind the path the end comes, where a line end after the call is no doubt.
        told = [doubt for doubt in done.doubts if doubt.at < done.text.rindex('"')]
        checked = 0
        for n in range(len(tokens)):
            text = b"".join(model.piece(token) for token in tokens[:n]).decode()
            chosen = model.piece(tokens[n]).decode()
            near = [
                doubt
                for doubt in told
                if len(text) <= doubt.at <= len(text) + len(chosen) and doubt.chosen == chosen
            ]
            if near:
                exact = exact_cut(model, context, grammar, tokens[:n])
                assert any(doubt.cut == pytest.approx(exact, abs=NEAR) for doubt in near)
                checked += 1
        assert checked >= 3


def test_the_worker_sends_them(settings, cache):
    engine = EmbeddedEngine("test", replace(settings, cache=cache))
    try:
        [done] = engine.complete(PROMPT, sampling=GREEDY, grammar=reading(*OTHERS), doubts=True)
    finally:
        engine.close()
    assert path_doubt(done).cut > 0.9
