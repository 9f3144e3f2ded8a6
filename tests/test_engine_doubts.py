"""What a grammar cut away: told exactly, at the right place, however the answer was written.

The model here is a table of probabilities behind the real llama.cpp, so that all numbers are known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings, ScriptedEngine, worst_doubt
from qwenagent.engine.context import Context
from qwenagent.engine.decoder import Decoder
from qwenagent.engine.llama import Model
from qwenagent.engine.odds import differ, entropy_bits
from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Completion, Doubt, Message, Prompt, Sampling, Usage
from tests import engine_stage
from tests.endpoint_standin import Standin, serving, writing
from tests.engine_stage import GREEDY, write
from tests.remote_stage import complete, engine_for
from tests.tiny_model import END, SPREAD, write_model

TABLE = {
    ">": {"state": 0.7, "store": 0.2, "main": 0.1},
    "store": {"_": 0.8, "!": 0.1, ".py": 0.1},
    "main": {"!": 1.0},
    "!": {END: 1.0},
    "?": {"main": 0.75, "store": 0.25},
    "%": {"main": 0.2, "store": 0.2, SPREAD: 0.6},
    "#": {END: 0.8, "main": 0.2},
    "@": {"a": 0.55, "b": 0.45},
    "a": {"}": 0.6, '{"': 0.4},
    "b": {'{"': 1.0},
    '{"': {"path": 1.0},
    "path": {'":': 1.0},
    '":': {' "': 1.0},
    ' "': {"tests": 0.8, "src": 0.2},
    ".py": {'"}': 1.0},
    "src": {"/": 1.0},
    "/": {"store": 0.75, "main": 0.25},
    "}": {"}\n": 0.8, "}": 0.1, "-": 0.1},
    "é": {"ü": 0.6, "é": 0.3, "main": 0.1},
}
NAMES = Grammar('root ::= ("store" | "main") "!"', "names")
PATHS = Grammar('root ::= ("a" | "b") "{\\"path\\": \\"src/" ("store" | "main") ".py\\"}"', "paths")
NEAR = 0.005
"""The table is kept in 16 bits."""

# Fixtures, by the names that they have here.
model, context = engine_stage.model, engine_stage.context
flat_costs = engine_stage.flat_costs


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> LoadSettings:
    path = tmp_path_factory.mktemp("tiny") / "table.gguf"
    write_model(path, TABLE)
    return LoadSettings(path, n_ctx=1024, n_threads=1)


def asked(opening: str, said: str = "Go on.") -> Prompt:
    return Prompt((Message("user", said),), opening)


def rounded(doubts: Sequence[Doubt]) -> list[tuple[int, str, str, float, float]]:
    return [(d.at, d.chosen, d.wanted, round(d.cut, 2), round(d.entropy_bits, 2)) for d in doubts]


@pytest.fixture
def decoder(model: Model, context: Context) -> Decoder:
    return Decoder(model, context, guesses=False)


def told(
    decoder: Decoder, opening: str, grammar: Grammar
) -> list[tuple[int, str, str, float, float]]:
    [done] = write(decoder, asked(opening), grammar)
    return rounded(done.doubts)


def test_what_was_cut_away_is_told_where_the_texts_part(decoder):
    # "st" is alike in both. Of what is left store has two thirds: 0.92 bits.
    [done] = write(decoder, asked(">"), NAMES)
    assert done.text == "store!"
    assert rounded(done.doubts) == [(2, "store", "state", 0.7, 0.92), (5, "!", "_", 0.9, 0.0)]


def test_a_choice_that_is_all_the_models_own_cuts_nothing(decoder):
    assert told(decoder, "?", NAMES) == [(0, "main", "main", 0.0, 0.81)]


def test_a_forced_end_is_read_and_agreement_is_not_told(decoder):
    [done] = write(decoder, asked(">"), Grammar('root ::= "main!!"', "one name"))
    assert done.text == "main!!"
    # "!" follows main in the table; the end of the turn follows "!", and is not looked at.
    assert rounded(done.doubts) == [(0, "main", "state", 0.9, 0.0)]
    assert done.usage.jumped == 1


def test_mass_on_thousands_of_unlikely_tokens_is_counted(decoder):
    [doubt] = told(decoder, "%", NAMES)
    assert doubt[3:] == (0.6, 1.0)


def test_the_end_of_the_turn_can_be_what_was_wanted(decoder):
    assert told(decoder, "#", NAMES) == [(0, "main", "", 0.8, 0.0)]


def test_a_line_end_behind_the_end_is_no_doubt(decoder):
    braces = Grammar('root ::= "}" | "-"', "braces")
    assert told(decoder, "}", braces) == [(1, "}", "}\n", 0.0, 0.92)]
    longer = Grammar('root ::= "}!" | "-"', "braces")
    assert told(decoder, "}", longer)[0] == (1, "}", "}\n", 0.8, 1.0)


def test_places_are_counted_in_characters(decoder):
    grammar = Grammar('root ::= "é" ("é" | "main") "!"', "umlauts")
    assert told(decoder, "é", grammar) == [
        (0, "é", "ü", 0.7, 0.0),
        (1, "é", "ü", 0.6, 0.81),
        (2, "!", "ü", 1.0, 0.0),
    ]


def test_forced_text_is_looked_at_where_it_begins_and_in_values(decoder):
    [done] = write(decoder, asked("@"), PATHS)
    assert done.text == 'a{"path": "src/store.py"}'
    assert done.usage.jumped == 6
    assert rounded(done.doubts) == [
        (0, "a", "a", 0.0, 0.99),
        (1, '{"', "}", 0.6, 0.0),
        (11, "src", "tests", 0.8, 0.0),
        (15, "store", "store", 0.0, 0.81),
        (20, ".py", "_", 0.9, 0.0),
    ]
    assert worst_doubt(done.doubts, 11, 23) == done.doubts[-1]


def test_a_value_that_is_all_forced_is_looked_at(decoder):
    [done] = write(decoder, asked("@"), Grammar('root ::= "a{\\"path\\": \\"src/main\\"}"', "one"))
    assert done.text == 'a{"path": "src/main"}'
    assert rounded(done.doubts) == [
        (0, "a", "b", 0.45, 0.0),
        (11, "src", "tests", 0.8, 0.0),
        (15, "main", "store", 0.75, 0.0),
        (19, '"', "!", 1.0, 0.0),
    ]


def test_the_text_is_the_same_and_nothing_is_told_unless_asked(decoder):
    for opening, grammar in [(">", NAMES), ("@", PATHS)]:
        [with_doubts] = write(decoder, asked(opening), grammar)
        [without] = write(decoder, asked(opening), grammar, doubts=False)
        assert with_doubts.doubts
        assert (without.text, without.stop, without.doubts) == (with_doubts.text, "stop", ())


def test_without_a_grammar_nothing_is_cut(decoder):
    [done] = write(decoder, asked(">"), None, [Sampling(max_tokens=2)])
    assert (done.text[:5], done.doubts) == ("state", ())


def test_guesses_and_forks_change_no_doubt(model, context, flat_costs, decoder):
    prompt = asked("@", 'a{"path": "src/store.py"} b{"path": "src/main.py"}')
    [alone] = write(decoder, prompt, PATHS)
    guessing = Decoder(model, context, cache=flat_costs)
    [guessed] = write(guessing, prompt, PATHS)
    assert guessed.usage.guessed_right > 0
    assert (guessed.text, rounded(guessed.doubts)) == (alone.text, rounded(alone.doubts))

    drawn = [Sampling(0.7, top_p=1.0, top_k=100, seed=s, max_tokens=60) for s in range(7)]
    answers = write(guessing, prompt, PATHS, [GREEDY, *drawn])
    assert len(answers) == 4  # all there are
    assert (answers[0].text, rounded(answers[0].doubts)) == (alone.text, rounded(alone.doubts))
    for one in answers:
        cuts = {d.at: d.cut for d in one.doubts}
        assert cuts[11] == pytest.approx(0.8, abs=NEAR)
        assert (1 in cuts) == one.text.startswith("a")


def test_every_token_taken_one_by_one_tells_the_same(model, context, decoder):
    [jumped] = write(decoder, asked("@"), PATHS)
    slowly = Decoder(model, context, guesses=False, jumps=False)
    [plain] = write(slowly, asked("@"), PATHS)
    assert plain.usage.jumped == 0
    assert (plain.text, rounded(plain.doubts)) == (jumped.text, rounded(jumped.doubts))


def test_the_worker_sends_them(settings):
    engine = EmbeddedEngine("table", settings)
    try:
        [done] = engine.complete(asked(">"), sampling=GREEDY, grammar=NAMES, doubts=True)
        [without] = engine.complete(asked(">"), sampling=GREEDY, grammar=NAMES)
    finally:
        engine.close()
    assert rounded(done.doubts) == [(2, "store", "state", 0.7, 0.92), (5, "!", "_", 0.9, 0.0)]
    assert (without.text, without.doubts) == ("store!", ())


def test_a_script_tells_its_doubts_to_those_who_ask():
    doubt = Doubt(2, "store", "state", 0.7, 0.9)
    whole = Completion("store!", "stop", Usage(calls=1), (doubt,))
    engine = ScriptedEngine([whole, whole, "store!"])
    answers = [
        engine.complete(asked(">"), sampling=GREEDY, grammar=NAMES, doubts=doubts)[0].doubts
        for doubts in (True, False, True)
    ]
    assert answers == [(doubt,), (), ()]


def test_a_server_tells_none():
    with serving(Standin()) as standin:
        engine = engine_for(standin)
        [done] = complete(engine, standin, writing("hello"), doubts=True)
        engine.close()
    assert (done.text, done.doubts) == ("hello", ())


def at(place: int, cut: float) -> Doubt:
    return Doubt(place, "a", "b", cut, 0.0)


@pytest.mark.parametrize(
    ("start", "end", "worst"),
    [
        (0, 30, at(9, 0.9)),
        (4, 8, at(4, 0.5)),
        (5, 8, at(6, 0.2)),
        (5, 9, at(9, 0.9)),
        (10, 20, at(20, 0.1)),
        (10, 19, None),
        (21, 21, None),
    ],
)
def test_the_worst_doubt_is_of_the_part_and_its_end(start, end, worst):
    doubts = [at(4, 0.5), at(6, 0.2), at(9, 0.9), at(20, 0.1)]
    assert worst_doubt(doubts, start, end) == worst


def test_of_equal_doubts_the_first_counts():
    assert worst_doubt([at(3, 0.5), at(1, 0.5)], 0, 9) == at(3, 0.5)


@pytest.mark.parametrize(
    ("odds", "bits"),
    [([0.25, 0.25], 1.0), ([0.1] * 8, 3.0), ([0.3], 0.0), ([], 0.0), ([0.0, 0.0], 0.0)],
)
def test_entropy_is_that_of_what_is_left(odds, bits):
    found = entropy_bits(np.array(odds, dtype=np.float64))
    assert found == pytest.approx(bits)
    assert math.copysign(1, found) == 1


@pytest.mark.parametrize(
    ("texts", "differs"),
    [
        ([], False),
        ([b"src"], False),
        ([b"s", b"src", b"sr"], False),
        ([b"s", b"t"], True),
        ([b"src", b"sr", b"sx"], True),
        ([b"src", b""], True),  # to go on, or to end here
        ([b"", b""], False),
    ],
)
def test_a_choice_is_one_between_texts(texts, differs):
    assert differ(texts) is differs
