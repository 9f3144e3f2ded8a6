"""Prompt lookup and forced text with the real 0.5B: they change how long an answer takes, not it.

Tokens that are read in one batch give other last bits than tokens that are read one by one. So two
answers may part where the two best tokens are equally good; such a place is measured each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import llama_cpp.llama_cpp as lib
import numpy as np
import pytest

from qwenagent.engine import LoadSettings
from qwenagent.engine.context import Context
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.grammar import Grammar, Offer, OneOf, body_grammar, call_grammar
from qwenagent.grammar.calls import OPENING
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling
from qwenagent.tools import SPECS
from tests import engine_stage
from tests.engine_stage import candidates_behind, write

pytestmark = pytest.mark.model

NEAR = 0.1
"""Logits nearer than this are a tie."""
N_CTX = 2048
N_THREADS = 1
"""Two that wait for each other starve on a busy machine."""

NAMES = [
    f"{size}_{thing}"
    for size in ("small", "big")
    for thing in ("book", "box", "lamp", "plant", "radio", "vase", "clock")
]
SHELF = "class Shelf:\n" + "\n".join(
    f"    def {name}(self):\n        return self.items[{i}]\n" for i, name in enumerate(NAMES)
)
PATHS = tuple(f"pkg/{name}.py" for name in ("store", "shelf", "shelves", "main", "test_store"))


@dataclass(frozen=True)
class Case:
    name: str
    prompt: Prompt
    grammar: Grammar | None
    n_tokens: int


def asked(text: str, opening: str = "") -> Prompt:
    return Prompt((Message("system", "You write Python."), Message("user", text)), opening)


REWRITE = Case(
    "rewrite",
    asked(
        f"Write this file again, but `small_lamp` returns `self.items[0]`:\n```python\n{SHELF}```",
        "```python\n",
    ),
    body_grammar("```"),
    150,
)
NEW = Case(
    "new code",
    asked(
        "Write a class Queue with push and pop, and a class Stack with push and pop.",
        "```python\n",
    ),
    body_grammar("```"),
    60,
)
CALL = Case(
    "call",
    asked(f"Where is the class Shelf? The files are {', '.join(PATHS)}. Look into one.", OPENING),
    call_grammar(
        [Offer(SPECS[name], {"path": OneOf(PATHS)}) for name in ("outline", "read_file")], "test"
    ),
    60,
)
TALK = Case("talk", asked("What is a linked list? Answer in a few sentences."), None, 50)
CASES = [REWRITE, NEW, CALL]
LONG = [
    pytest.param(replace(case, name=f"long {case.name}", n_tokens=2 * case.n_tokens),
                 marks=pytest.mark.slow)
    for case in (REWRITE, NEW, TALK)
]  # fmt: skip
SLOW_TALK = pytest.param(TALK, marks=pytest.mark.slow)
"""Free text, as the new code is."""


@pytest.fixture(scope="module")
def settings(test_gguf: Path) -> LoadSettings:
    return LoadSettings(test_gguf, n_ctx=N_CTX, n_threads=N_THREADS)


# Fixtures, by the names that they have here.
model, context = engine_stage.model, engine_stage.context
flat_costs = engine_stage.flat_costs


@dataclass(frozen=True)
class Answer:
    """An answer with the tokens that came into the cache for it; the last one need not."""

    done: Completion
    tokens: list[int]


def answer(decoder: Decoder, case: Case) -> Answer:
    n = len(decoder.model.encode(case.prompt))
    sampling = Sampling(max_tokens=case.n_tokens)
    [done] = write(decoder, case.prompt, case.grammar, [sampling], doubts=False)
    return Answer(done, decoder.context.tokens[n:])


@pytest.fixture(scope="module")
def plain_answers() -> dict[str, Answer]:
    """Answers by name, token after token; each is written when it is first asked for."""
    return {}


@pytest.fixture
def plainly(
    model: Model, context: Context, plain_answers: dict[str, Answer]
) -> Callable[[Case], Answer]:
    def write(case: Case) -> Answer:
        if case.name not in plain_answers:
            decoder = Decoder(model, context, jumps=False, guesses=False)
            plain_answers[case.name] = answer(decoder, case)
        return plain_answers[case.name]

    return write


def best(model: Model, context: Context, case: Case, tokens: list[int]) -> tuple[int, float]:
    """Return the best allowed token behind `tokens`, read one by one, and its lead in logits."""
    candidates = candidates_behind(model, context, case.prompt, case.grammar, tokens)
    possible = candidates.possible()
    logits = context.logits()[possible]
    second, first = np.sort(logits)[-2:] if len(logits) > 1 else (-np.inf, logits[0])
    return int(possible[np.argmax(logits)]), float(first - second)


def check_same(model: Model, context: Context, case: Case, one: Answer, other: Answer) -> None:
    """Fail if two answers part anywhere but at a near tie."""
    if one.done.text == other.done.text:
        return
    pairs = zip(one.tokens, other.tokens, strict=False)
    same = next((i for i, (a, b) in enumerate(pairs) if a != b), None)
    n = min(len(one.tokens), len(other.tokens)) if same is None else same
    _, distance = best(model, context, case, one.tokens[:n])
    print(f"{case.name}: parted after {n} tokens, logits {distance:.3f} apart")
    assert distance <= NEAR, (one.done.text, other.done.text)


def n_held(context: Context) -> int:
    """Return how many positions of the conversation llama.cpp itself counts."""
    memory = lib.llama_get_memory(context.pointer)
    return int(lib.llama_memory_seq_pos_max(memory, 0)) + 1


def test_the_measure_of_a_tie_agrees_with_plain_decoding(model, context, plainly):
    tokens = plainly(CALL).tokens
    for n in (0, 4, len(tokens) - 1):
        token, lead = best(model, context, CALL, tokens[:n])
        assert token == tokens[n]
        assert lead > NEAR


@pytest.mark.parametrize("case", [*CASES, SLOW_TALK, *LONG], ids=lambda case: case.name)
def test_guesses_change_nothing(model, context, flat_costs, plainly, case):
    plain = plainly(case)
    guessed = answer(Decoder(model, context, cache=flat_costs, jumps=False), case)
    usage = guessed.done.usage
    if case.name.endswith("rewrite"):
        # Most of it is copied.
        assert usage.guessed_right > case.n_tokens / 3
    assert plain.done.usage.guessed == 0
    assert 0 <= usage.guessed_right <= usage.guessed
    check_same(model, context, case, plain, guessed)


@pytest.mark.parametrize("case", [NEW, CALL, SLOW_TALK], ids=lambda case: case.name)
def test_forced_text_changes_nothing(model, context, plainly, case):
    plain = plainly(case)
    jumped = answer(Decoder(model, context, guesses=False), case)
    assert plain.done.usage.jumped == 0
    assert (jumped.done.usage.jumped > 0) == (case is CALL)
    check_same(model, context, case, plain, jumped)


@pytest.mark.slow
def test_guesses_leave_nothing_behind(model, settings, context, flat_costs):
    """After guesses, right and wrong ones, the cache is what reading the text would have made."""
    context.keep(0)
    decoder = Decoder(model, context, cache=flat_costs)
    written = answer(decoder, REWRITE)
    usage = written.done.usage
    assert usage.guessed > usage.guessed_right > 0
    assert n_held(context) == len(context.tokens)
    assert context.tokens == [*model.encode(REWRITE.prompt), *written.tokens]
    assert len(written.tokens) >= usage.completion_tokens - 1
    text = b"".join(model.piece(token) for token in written.tokens)
    assert written.done.text.encode().startswith(text)

    said = Message("assistant", REWRITE.prompt.opening + written.done.text)
    messages = (*REWRITE.prompt.messages, said, Message("user", "Which methods are there?"))
    follow_up = Case("follow-up", Prompt(messages), None, 30)
    held = [*context.tokens]
    following = answer(decoder, follow_up)
    # It went on from the whole answer, not from the prompt alone.
    assert following.done.usage.cached_tokens >= len(held) - 5
    fresh = Context(model, settings)
    anew = answer(Decoder(model, fresh, jumps=False, guesses=False), follow_up)
    assert anew.done.usage.cached_tokens == 0
    check_same(model, fresh, follow_up, anew, following)
    fresh.close()
