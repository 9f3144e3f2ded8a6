"""Answers written side by side: the same as alone, read once while they agree, ended at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest
from numpy.typing import NDArray

from qwenagent.engine import LoadSettings
from qwenagent.engine.chooser import N_TOP
from qwenagent.engine.context import MAX_FORKS, Context, Part
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.engine.pace import LENGTHS
from qwenagent.engine.sampler import Candidates, Chain
from qwenagent.engine.writing import Watch
from qwenagent.grammar import Grammar, Offer, OneOf, accepts, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling
from qwenagent.tools import SPECS
from tests import engine_stage
from tests.engine_stage import keep_costs

pytestmark = pytest.mark.model

CODE = Prompt(
    (
        Message("system", "You write Python."),
        Message("user", "Write a function that tells whether a number is prime."),
    ),
    "```python\ndef",
)
COUNT = Prompt((Message("user", "Count from 1 to 50, with commas."),), "1, 2, 3, 4, 5,")
GREEDY = Sampling(max_tokens=20)
# Without top_p: otherwise the number of candidates, and so the number of draws, may hang on a hair.
DRAWN = Sampling(temperature=0.9, top_p=1.0, top_k=20, max_tokens=20)
NEAR = 0.1
"""Logits of a batch of eight and of a single token differ by less."""


def drawn(n: int, sampling: Sampling = DRAWN) -> list[Sampling]:
    return [replace(sampling, seed=seed) for seed in range(n)]


class Recorded(Context):
    """A context that notes which forks each token was read into, and what was written alone."""

    def __init__(self, model: Model, settings: LoadSettings) -> None:
        super().__init__(model, settings)
        self.batches: list[list[frozenset[int]]] = []
        self.alone: dict[tuple[Prompt, Sampling], list[str]] = {}

    def read(self, parts: Sequence[Part]) -> list[Callable[[int], NDArray[np.float32]]]:
        self.batches.append([frozenset(part.sequences) for part in parts for _ in part.tokens])
        return super().read(parts)


@dataclass
class Seen:
    """What came out while answers were written."""

    done: list[Completion] = field(default_factory=list)
    pieces: dict[int, list[str]] = field(default_factory=dict)
    """By number of the answer: its text, token by token."""
    batches: list[list[frozenset[int]]] = field(default_factory=list)


# Fixtures, by the names that they have here.
settings, model = engine_stage.settings, engine_stage.model


@pytest.fixture(scope="module")
def context(model: Model, settings: LoadSettings) -> Iterator[Recorded]:
    context = Recorded(model, settings)
    yield context
    context.close()


def write(
    model: Model,
    context: Recorded,
    prompt: Prompt,
    samplings: Sequence[Sampling],
    *,
    grammar: Grammar | None = None,
    accept: Callable[[Completion], bool] = lambda _: False,
    cancelled: Callable[[Seen], bool] = lambda _: False,
    costs: Path | None = None,
) -> Seen:
    """Write answers token by token: nothing is jumped over, and nothing guessed without `costs`."""
    seen = Seen()
    context.batches = seen.batches
    decoder = Decoder(model, context, guesses=costs is not None, cache=costs, jumps=False)
    watch = Watch(
        on_text=lambda number, text: seen.pieces.setdefault(number, []).append(text),
        on_prefill=lambda *_: None,
        cancelled=lambda: cancelled(seen),
        accept=accept,
    )
    seen.done = decoder.complete(prompt, grammar, samplings, watch)
    return seen


def alone(model: Model, context: Recorded, prompt: Prompt, sampling: Sampling) -> list[str]:
    if (prompt, sampling) not in context.alone:
        context.alone[prompt, sampling] = write(model, context, prompt, [sampling]).pieces[0]
    return context.alone[prompt, sampling]


def text_of(model: Model, token: int) -> str:
    return model.piece(token).decode(errors="replace")


def chosen(ids: NDArray[np.integer], logits: NDArray[np.float32], chain: Chain | None) -> int:
    return Candidates(ids, logits).sampled(chain) if chain else int(ids[np.argmax(logits)])


class Branch(Chain):
    """A chain at the place of another one."""

    def __init__(self, chain: Chain) -> None:
        self.pointer = lib.llama_sampler_clone(chain.pointer)


def may_choose(
    ids: NDArray[np.integer], logits: NDArray[np.float32], chain: Chain | None
) -> set[int]:
    """What is chosen if the logits are a little different."""
    noise = np.random.default_rng(0)
    found = set()
    for _ in range(300):
        branch = Branch(chain) if chain else None
        shift = noise.uniform(-NEAR / 2, NEAR / 2, len(logits)).astype(np.float32)
        found.add(chosen(ids, logits + shift, branch))
        if branch:
            branch.close()
    return found


def is_near_tie(
    model: Model, context: Recorded, prompt: Prompt, sampling: Sampling, other: list[str]
) -> bool:
    """Return whether an answer parts from the one written alone where it could go either way."""
    context.keep(0)
    context.decode(model.encode(prompt))
    chain = None
    if sampling.temperature > 0:
        chain = Chain(
            sampling.top_k, sampling.top_p, sampling.min_p, sampling.temperature, sampling.seed
        )
    try:
        for piece in other:
            every = context.logits()
            ids = np.argpartition(every, -N_TOP)[-N_TOP:]
            top = (ids, every[ids])
            before = Branch(chain) if chain else None
            token = chosen(*top, chain)
            others = may_choose(*top, before) if piece != text_of(model, token) else set()
            if before:
                before.close()
            if others:
                return piece in {text_of(model, other) for other in others}
            context.decode([token])
    finally:
        if chain:
            chain.close()
    return True  # it ended earlier


def n_parted(
    model: Model,
    context: Recorded,
    prompt: Prompt,
    samplings: Sequence[Sampling],
    together: dict[int, list[str]],
) -> int:
    """Return how many answers are not those written alone; each of them must be a near tie."""
    n = 0
    for number, sampling in enumerate(samplings):
        if together[number] != alone(model, context, prompt, sampling):
            assert is_near_tie(model, context, prompt, sampling, together[number]), number
            n += 1
    return n


def assert_shared(batches: list[list[frozenset[int]]]) -> None:
    """Each fork is read once a step, and forks that have parted never meet again."""
    before = batches[0]
    for batch in batches:
        assert sum(map(len, batch)) == len(frozenset().union(*batch))
        assert all(any(group <= earlier for earlier in before) for group in batch)
        before = batch


@pytest.fixture(scope="module")
def eight(model: Model, context: Recorded) -> Seen:
    """Eight answers, drawn with the seeds 0 to 7."""
    return write(model, context, CODE, drawn(8))


def test_eight_side_by_side_are_the_eight_written_alone(model, context, eight):
    texts = {"".join(eight.pieces[number]) for number in range(8)}
    assert sorted(done.text for done in eight.done) == sorted(texts)
    assert len(texts) >= 4
    assert n_parted(model, context, CODE, drawn(8), eight.pieces) <= 4


def test_eight_that_guess_from_each_other_are_the_eight_written_alone(model, context, tmp_path):
    keep_costs(tmp_path, model, [1.0] * len(LENGTHS))
    for prompt, n in ((CODE, 8), (COUNT, 4)):
        seen = write(model, context, prompt, drawn(n), costs=tmp_path)
        assert sum(done.usage.guessed_right for done in seen.done) > 0
        assert sum(done.usage.guessed for done in seen.done) > 0
        assert n_parted(model, context, prompt, drawn(n), seen.pieces) <= n / 2


def test_answers_with_other_seeds_are_no_near_ties(model, context, eight):
    others = [pieces for number, pieces in eight.pieces.items() if number]
    near = [is_near_tie(model, context, CODE, drawn(1)[0], pieces) for pieces in others]
    assert near.count(False) >= 3


def test_what_is_the_same_until_now_is_read_once(eight):
    assert_shared(eight.batches)
    n_tokens = sum(map(len, eight.batches))
    n_read = sum(len(group) for batch in eight.batches for group in batch)
    assert n_tokens < n_read
    assert n_read >= sum(done.usage.completion_tokens - 1 for done in eight.done)
    assert len(eight.batches[-1]) > len(eight.batches[0])


def test_answers_nobody_is_in_doubt_about_cost_one_token_each_and_come_back_once(model, context):
    for sampling in (GREEDY, replace(DRAWN, temperature=0.1)):
        seen = write(model, context, COUNT, drawn(8, sampling))
        assert [done.text for done in seen.done] == [
            "".join(alone(model, context, COUNT, replace(sampling, seed=0)))
        ]
        assert seen.batches == [[frozenset(range(1, 9))]] * (sampling.max_tokens - 1)


def test_the_first_is_greedy_among_drawn_ones(model, context):
    samplings = [GREEDY, *drawn(4)[1:]]
    seen = write(model, context, CODE, samplings)
    n_parted(model, context, CODE, samplings[:1], seen.pieces)
    assert "".join(seen.pieces[0]) in {done.text for done in seen.done}


def test_one_that_is_accepted_ends_the_others_at_once(model, context):
    asked: list[Completion] = []

    def accept(done: Completion) -> bool:
        asked.append(done)
        return True

    samplings = [replace(DRAWN, max_tokens=100), GREEDY, replace(DRAWN, max_tokens=100, seed=2)]
    samplings[1] = replace(GREEDY, max_tokens=4)
    seen = write(model, context, CODE, samplings, accept=accept)
    assert seen.done == asked
    assert [done.usage.completion_tokens for done in seen.done] == [4]
    assert {number: len(pieces) for number, pieces in seen.pieces.items()} == {0: 4, 1: 4, 2: 4}
    n_prompt = len(model.encode(CODE))
    read = b"".join(map(model.piece, context.tokens[n_prompt:])).decode()
    assert len(context.tokens) == n_prompt + 3, "all but its last token"
    assert seen.done[0].text.startswith(read), "the conversation goes on with what was accepted"


def test_more_than_eight_are_written_in_waves(model, context):
    samplings = drawn(11, replace(DRAWN, temperature=1.5, max_tokens=5))
    seen = write(model, context, CODE, samplings)
    assert sorted(seen.pieces) == list(range(11))
    assert [sum(map(len, batch)) for batch in seen.batches] == [8] * 4 + [3] * 4
    assert len({done.text for done in seen.done}) == len(seen.done)
    assert {done.text for done in seen.done} == {"".join(p) for p in seen.pieces.values()}
    assert [done.usage.cached_tokens == done.usage.prompt_tokens for done in seen.done][1:] == [
        True
    ] * (len(seen.done) - 1)
    last = {number - 8: pieces for number, pieces in seen.pieces.items() if number >= 8}
    assert n_parted(model, context, CODE, samplings[8:], last) <= 2


def about(lines: str) -> Prompt:
    return Prompt((Message("user", f"{lines}Go on."),))


def test_a_cache_without_room_for_all_makes_waves(model, settings):
    context = Recorded(model, replace(settings, n_ctx=256))
    try:
        lines = ""
        while (n_prompt := len(model.encode(prompt := about(lines)))) <= context.n_ctx - 32:
            lines += f"{len(lines)}: none\n"
        room = (context.n_ctx - n_prompt) // 2
        samplings = drawn(5, replace(DRAWN, temperature=1.5, max_tokens=room))
        seen = write(model, context, prompt, samplings)
        assert sorted(seen.pieces) == list(range(5))
        assert max(sum(map(len, batch)) for batch in seen.batches) == 2
        write(model, context, prompt, [replace(GREEDY, max_tokens=2 * room)])  # all is free again
    finally:
        context.close()


def test_a_cancel_keeps_what_was_at_its_end(model, context):
    samplings = [*drawn(3, replace(DRAWN, max_tokens=60)), replace(GREEDY, max_tokens=3)]
    seen = write(
        model, context, CODE, samplings, cancelled=lambda seen: len(seen.pieces.get(0, ())) >= 6
    )
    assert [(done.stop, done.usage.completion_tokens) for done in seen.done] == [
        ("length", 3),
        ("cancelled", 6),
    ]
    assert seen.done[0].text == "".join(seen.pieces[3])
    assert {len(seen.pieces[number]) for number in range(3)} == {6}
    assert context.tokens == model.encode(CODE)
    again = write(model, context, COUNT, [GREEDY]).done[0]
    assert " 6, 7, 8, 9, 10, 11, 12, 13".startswith(again.text)


def test_a_cancel_when_all_are_at_their_end_costs_none_of_them(model, context):
    samplings = [replace(GREEDY, max_tokens=3), replace(GREEDY, max_tokens=2)]
    seen = write(
        model, context, CODE, samplings, cancelled=lambda seen: len(seen.pieces.get(0, ())) == 3
    )
    assert [(done.stop, done.usage.completion_tokens) for done in seen.done] == [
        ("length", 3),
        ("length", 2),
    ]


def test_each_keeps_its_own_place_in_the_grammar(model, context):
    paths = tuple(f"{folder}/{name}.py" for folder in "abcd" for name in ("one", "two", "three"))
    grammar = call_grammar([Offer(SPECS["outline"], {"path": OneOf(paths)})], "test")
    prompt = Prompt((Message("user", "Outline any file."),), OPENING)
    samplings = drawn(MAX_FORKS, replace(DRAWN, temperature=2.0, top_k=200, max_tokens=60))
    seen = write(model, context, prompt, samplings, grammar=grammar)
    assert len(seen.done) >= 3
    assert [done.text for done in seen.done if not accepts(grammar.text, done.text)] == []
    assert {done.stop for done in seen.done} == {"stop"}
    assert_shared(seen.batches)
