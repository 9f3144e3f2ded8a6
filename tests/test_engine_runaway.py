"""Answers that will not end, and long ones that will."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.engine import runaway
from qwenagent.engine.runaway import COUNTED_LINES, counts_on, repeats_itself, runs_away

COUNTING = "".join(f"    if frame == 10 and throw == {n}:\n        raise X(1)\n" for n in range(60))


def test_a_piece_over_and_over():
    assert repeats_itself([1, 2, 3] * 200)
    assert not repeats_itself([*range(400), 1, 2])
    assert not repeats_itself([1] * 200 + [2] + [1] * 200)


def test_counting_on():
    assert counts_on(COUNTING)
    assert not counts_on(COUNTING[: len(COUNTING) // 5])


@pytest.mark.parametrize(
    "text",
    [
        "".join(f"    ({n}, {n * n}),\n" for n in range(200)),
        "".join(f"NAME_{chr(65 + n % 26)}{n} = {n}\n" for n in range(200)),
        Path(runaway.__file__).read_text(encoding="utf-8") * 3,
    ],
    ids=["a table of numbers", "many names", "code"],
)
def test_long_text_that_is_meant(text):
    assert not counts_on(text)


def test_it_is_looked_at_now_and_then():
    tokens = [7] * 321
    assert not runs_away(tokens, COUNTING)
    assert runs_away([7] * 352, "")
    assert runs_away(list(range(352)), COUNTING)
    assert not runs_away(list(range(352)), "x\n" * COUNTED_LINES)
