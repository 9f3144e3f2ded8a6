"""Guesses, and what they are worth: tokens and tables of costs, no model."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.engine.lookup import LONGEST, N_GRAMS, PLACES, Lookup
from qwenagent.engine.pace import LENGTHS, Chance, Outcome, Pace, measure, remembered

ENDS = [1, 2, 3, 4]
"""What a guess goes on from; as long as it has to be."""

GPU = (1.0, 1.0, 1.01, 1.02, 1.03, 1.05, 1.08, 1.1)
"""Costs by LENGTHS: a batch of 32 costs hardly more than one token."""
CPU = (1.0, 1.9, 3.6, 6.5, 7.0, 7.5, 8.8, 10.5)
"""A batch of 8 costs more than six times one token, and from there on it grows slowly."""
EVERY = LENGTHS[-1] - 1


def guessed(tokens: Sequence[int], limit: int) -> tuple[list[int], int]:
    """Return the guess at how an answer goes on that is all there is."""
    lookup = Lookup([])
    lookup.extend(lookup.begin(), tokens)
    return lookup.guess(1, limit)


def worth(pace: Pace, agreed: int, n_guessed: int) -> int:
    [n] = pace.worth([Chance(agreed, n_guessed)])
    return n


# -- guesses --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tokens", "limit", "expected"),
    [
        ([], 8, ([], 0)),
        (ENDS[:3], 8, ([], 0)),
        (ENDS, 8, ([], 0)),
        ([9, 2, 3, 4, 7, *ENDS], 8, ([7, *ENDS], 3)),
        ([9, 9, 3, 4, 7, 8, 4, 6, *ENDS], 1, ([7], 2)),
        ([9, 9, 9, 4, 7, *ENDS], 1, ([7], 1)),
        ([*ENDS, 7, 8, *ENDS], 8, ([7, 8, *ENDS], 4)),
        ([*ENDS, 7, 8, *ENDS], 1, ([7], 4)),
        ([*ENDS, 7, 8, *ENDS], 0, ([], 4)),
        ([5, *ENDS, 7, 5, *ENDS], 2, ([7, 5], 5)),
        ([5, 5, 5, 5, 5, 5], 8, ([5], 5)),
        ([5, 6, 7, 8], 8, ([], 0)),
    ],
    ids=[
        "nothing",
        "shorter than an n-gram",
        "the end is no place",
        "three agree",
        "two agree, and one later",
        "one agrees",
        "four agree",
        "limit",
        "limit of none",
        "agreement beyond the n-gram",
        "a run of one token",
        "nothing twice",
    ],
)
def test_a_guess_is_what_stood_behind_the_same_tokens(tokens, limit, expected):
    assert guessed(tokens, limit) == expected


def test_the_longest_agreement_wins_over_a_later_place():
    tokens = [6, 5, *ENDS, 70, 71, 0, *ENDS, 80, 81, 6, 5, *ENDS]
    assert guessed(tokens, 2) == ([70, 71], 6)


def test_the_latest_of_equals_wins():
    tokens = [*ENDS, 70, *ENDS, 80, 8, *ENDS, 90, 9, *ENDS]
    assert guessed(tokens, 1) == ([90], 4)


def test_agreement_is_counted_up_to_its_bound():
    line = list(range(LONGEST + 10))
    assert guessed([*line, 99, *line], 1) == ([99], LONGEST)


def test_only_the_latest_places_are_compared():
    surest = [6, 5, *ENDS, 70]
    tokens = [*surest, *([0, *ENDS, 80] * PLACES), 6, 5, *ENDS]
    assert guessed(tokens, 1) == ([80], 4)
    assert guessed([*surest, *([0, *ENDS, 80] * (PLACES - 2)), 6, 5, *ENDS], 1) == ([70], 6)


def test_the_answer_that_grows_is_looked_up_too():
    lookup = Lookup([0, 0])
    answer = lookup.begin()
    lookup.extend(answer, [*ENDS, 7])
    assert lookup.guess(answer, 8) == ([], 0)
    lookup.extend(answer, ENDS)
    assert lookup.guess(answer, 1) == ([7], 4)


def test_an_answer_is_guessed_from_the_prompt_and_from_the_other_answers():
    lookup = Lookup([*ENDS, 70, 71, *ENDS])
    first, second = lookup.begin(), lookup.begin()
    assert lookup.guess(first, 2) == ([70, 71], 4)
    lookup.extend(first, [80, 81, 82, 83, 84])
    lookup.extend(second, [90, 80, 81, 82, 83])
    assert lookup.guess(first, 2) == ([], 0)
    assert lookup.guess(second, 2) == ([84], 4)


def test_agreement_reaches_back_into_the_prompt():
    lookup = Lookup([5, *ENDS, 70, 5, *ENDS[:2]])
    answer = lookup.begin()
    lookup.extend(answer, ENDS[2:])
    assert lookup.guess(answer, 1) == ([70], 5)


def searched(tokens: Sequence[int], limit: int) -> tuple[list[int], int]:
    """Return what `guess` should, found without an index."""

    def agreement(at: int) -> int:
        n = 0
        while n < min(at, LONGEST) and tokens[at - 1 - n] == tokens[-1 - n]:
            n += 1
        return n

    for least in N_GRAMS:
        places = [at for at in range(least, len(tokens)) if agreement(at) >= least]
        if places := places[-PLACES:]:
            best = max(places, key=lambda at: (agreement(at), at))
            return list(tokens[best : best + limit]), agreement(best)
    return [], 0


@given(st.lists(st.lists(st.integers(0, 2), max_size=12), max_size=8), st.integers(0, LENGTHS[-1]))
def test_it_finds_what_a_search_finds(parts, limit):
    lookup = Lookup([])
    answer = lookup.begin()
    for part in parts:
        lookup.extend(answer, part)
    tokens = [token for part in parts for token in part]
    assert lookup.guess(answer, limit) == searched(tokens, limit)


# -- what they are worth --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("costs", "agreed", "n_guessed", "expected"),
    [
        (GPU, 0, EVERY, 0),
        (GPU, 1, EVERY, 5),
        (GPU, 6, EVERY, 18),
        (GPU, 6, 1, 1),
        (GPU, 16, EVERY, EVERY),
        (GPU, 32, 0, 0),
        (CPU, 1, EVERY, 0),
        (CPU, 6, EVERY, 0),
        (CPU, 16, EVERY, 23),
        (CPU, 16, 7, 6),
        (CPU, 32, EVERY, EVERY),
        (CPU, 32, 1, 1),
    ],
)
def test_how_many_guessed_tokens_pay(costs, agreed, n_guessed, expected):
    assert worth(Pace(costs), agreed, n_guessed) == expected


@pytest.mark.parametrize(
    ("n", "expected"),
    [(0, 1), (1, 1), (2, 1.9), (3, 2.75), (6, 5.05), (8, 6.5), (20, 8.15), (32, 10.5), (64, 21)],
)
def test_costs_between_the_measured_ones_are_a_straight_line(n, expected):
    assert Pace(CPU)._cost(n) == pytest.approx(expected)


@given(
    st.lists(st.floats(0.0001, 10), min_size=len(LENGTHS), max_size=len(LENGTHS)),
    st.lists(st.tuples(st.integers(0, LONGEST), st.integers(0, 6)), min_size=1, max_size=3),
)
def test_the_lengths_are_those_that_yield_most_tokens_a_second(costs, guesses):
    pace = Pace(costs)
    chances = [Chance(agreed, n) for agreed, n in guesses]

    def speed(lengths: Sequence[int]) -> float:
        sure = [pace._sure(chance) for chance in chances]
        tokens = sum(sum(p**i for i in range(n + 1)) for p, n in zip(sure, lengths, strict=True))
        return tokens / pace._cost(len(chances) + sum(lengths))

    best = max(map(speed, itertools.product(*(range(n + 1) for _, n in guesses))))
    assert speed(pace.worth(chances)) == pytest.approx(best)


def test_several_answers_share_a_batch():
    """By these costs 16 tokens take little longer than 8, so even unsure guesses pay there."""
    assert Pace(CPU).worth([Chance(1, EVERY)]) == [0]
    assert Pace(CPU).worth([Chance(1, EVERY)] * 8) == [1] * 8
    assert Pace(CPU).worth([Chance(16, EVERY)] * 8) == [3] * 8
    assert Pace(CPU).worth([Chance(16, EVERY), *[Chance(0, 0)] * 7]) == [18, *[0] * 7]
    assert Pace(CPU).worth([Chance(0, 0), Chance(0, 0)]) == [0, 0]


def test_what_many_answers_go_on_with_is_worth_more():
    assert Pace(CPU).worth([Chance(6, EVERY)]) == [0]
    assert Pace(CPU).worth([Chance(1, 1), Chance(6, EVERY, n_answers=7)]) == [0, 2]


def test_guesses_that_go_wrong_more_often_than_usual_get_shorter_and_end():
    pace = Pace(GPU)
    lengths = []
    for _ in range(6):
        lengths.append(worth(pace, 6, EVERY))
        pace.learn([Outcome(6, 0, 1)])
    assert lengths == sorted(lengths, reverse=True)
    assert lengths[0] > 2 * lengths[-1]


def test_one_that_went_wrong_does_not_end_sure_ones():
    pace = Pace(CPU)
    pace.learn([Outcome(32, 10, 1)])
    assert worth(pace, 32, EVERY) > 15


def test_doubt_fades():
    pace = Pace(CPU)
    for _ in range(9):
        pace.learn([Outcome(32, 0, 1)])
    assert worth(pace, 32, EVERY) == 0
    for _ in range(100):
        worth(pace, 0, 0)
    assert worth(pace, 32, EVERY) > 15


def test_another_answer_begins_without_the_losses_of_the_last():
    pace = Pace(GPU)
    pace.learn([Outcome(6, 0, 1)] * 9)
    pace.reset()
    assert pace == Pace(GPU)


def test_each_length_is_read_twice():
    read: list[int] = []
    costs = measure(read.append)
    assert read == [n for n in LENGTHS for _ in range(2)]
    assert len(costs) == len(LENGTHS)
    assert min(costs) > 0


# -- what is remembered ---------------------------------------------------------------------------


class Measuring:
    """Gives costs and counts how often it was asked."""

    def __init__(self, costs: Sequence[float] = CPU) -> None:
        self.costs = list(costs)
        self.n = 0

    def __call__(self) -> list[float]:
        self.n += 1
        return self.costs


def test_costs_are_measured_once(tmp_path):
    path = tmp_path / "new folder" / "costs.json"
    first, second = Measuring(CPU), Measuring(GPU)
    assert remembered(path, "0.5b", first) == list(CPU)
    assert remembered(path, "0.5b", second) == list(CPU)
    assert (first.n, second.n) == (1, 0)


def test_without_a_file_they_are_measured_each_time():
    measuring = Measuring()
    assert [remembered(None, "0.5b", measuring) for _ in range(2)] == [list(CPU)] * 2
    assert measuring.n == 2


def test_two_models_share_a_file(tmp_path):
    path = tmp_path / "costs.json"
    remembered(path, "0.5b", Measuring(CPU))
    remembered(path, "qwen2 1.5B é", Measuring(GPU))
    assert json.loads(path.read_text(encoding="utf-8")) == {
        "0.5b": list(CPU),
        "qwen2 1.5B é": list(GPU),
    }
    assert remembered(path, "0.5b", Measuring(GPU)) == list(CPU)


GOOD = json.dumps(list(CPU))
BAD_FILES = {
    "empty": b"",
    "cut off": b'{"key": [1.0, 1.',
    "not UTF-8": b'{"key": "\xff\xfe"}',
    "a list": GOOD.encode(),
    "a number": b"5",
    "null": b"null",
    "nested deep": b"[" * 200_000,
    "another key": b'{"other": ' + GOOD.encode() + b"}",
}
BAD_VALUES = {
    "too short": [1.0] * (len(LENGTHS) - 1),
    "too long": [1.0] * (len(LENGTHS) + 1),
    "texts": ["1.0"] * len(LENGTHS),
    "one text": "12345678",
    "mixed": [*CPU[:-1], None],
    "truths": [True] * len(LENGTHS),
    "lists": [[1.0]] * len(LENGTHS),
    "an object": {str(n): 1.0 for n in LENGTHS},
    "a number": 8,
    "null": None,
    "zeros": [0.0] * len(LENGTHS),
    "negative": [-1.0, *CPU[1:]],
    "not a number": [*CPU[:-1], float("nan")],
    "infinite": [*CPU[:-1], float("inf")],
    "a huge integer": [*CPU[:-1], 10**400],
}
UNUSABLE = BAD_FILES | {
    f"value: {name}": json.dumps({"key": value}).encode() for name, value in BAD_VALUES.items()
}


@pytest.mark.parametrize("content", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_is_no_costs_is_measured_anew_and_replaced(tmp_path, content):
    path = tmp_path / "costs.json"
    path.write_bytes(content)
    first, second = Measuring(), Measuring()
    assert remembered(path, "key", first) == list(CPU)
    assert remembered(path, "key", second) == list(CPU)
    assert (first.n, second.n) == (1, 0)


def unwritable(tmp_path: Path) -> list[Path]:
    """Return places that not even root can write to."""
    (tmp_path / "file").write_text("", encoding="utf-8")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    return [tmp_path / "file" / "costs.json", tmp_path / "folder", tmp_path / "loop" / "costs.json"]


def test_a_place_that_cannot_be_written_costs_only_the_memory(tmp_path):
    for path in unwritable(tmp_path):
        measuring = Measuring()
        assert [remembered(path, "key", measuring) for _ in range(2)] == [list(CPU)] * 2
        assert measuring.n == 2
