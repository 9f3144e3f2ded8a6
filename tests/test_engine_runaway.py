"""Answers that will not end, and long ones that will."""

from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent.engine import runaway
from qwenagent.engine.runaway import (
    COUNTED_LINES,
    TABLE_LINES,
    PromptLines,
    counts_on,
    goes_round,
    repeats_itself,
    runs_away,
)
from qwenagent.protocol.messages import Gap, Message, Prompt

COUNTING = "".join(f"    if frame == 10 and throw == {n}:\n        raise X(1)\n" for n in range(60))

NOTHING = PromptLines(Prompt(()))
NAMES = [f"name_of_{chr(97 + n % 26)} = {n}" for n in range(100)]


def table(n: int, line: str = "    KEY_{0} = {0},\n") -> str:
    return "class Key(Enum):\n" + "".join(line.format(i) for i in range(n))


def shown(text: str) -> PromptLines:
    return PromptLines(Prompt((Message("system", "Write."), Message("user", text))))


def test_a_piece_over_and_over():
    assert repeats_itself([1, 2, 3] * 200)
    assert not repeats_itself([*range(400), 1, 2])
    assert not repeats_itself([1] * 200 + [2] + [1] * 200)


def test_counting_on():
    assert counts_on(COUNTING, NOTHING)
    assert not counts_on(COUNTING[: len(COUNTING) // 5], NOTHING)


@pytest.mark.parametrize(
    "block",
    [
        "    raise Wrong(1)\n",
        "    case {0}:\n        return None\n",
        "    if x == {0}:\n        total = {0}\n        return total\n",
    ],
)
def test_blocks_end_as_soon_as_they_are_so_many_lines(block):
    lines = "".join(block.format(n) for n in range(100)).splitlines(keepends=True)
    prompt = shown("def f(x):\n    return x\n")
    counts = [counts_on("\n" + "".join(lines[:n]), prompt) for n in range(100)]
    assert counts.index(True) == COUNTED_LINES
    assert all(counts[COUNTED_LINES:])


@pytest.mark.parametrize(
    "line",
    [
        "    KEY_{0} = {0},\n",
        '    "ERR{0}": {0},\n',
        "    assert f({0}) == 2\n",
        "    ('rate', {0}.5),\n",
    ],
)
def test_a_table_of_lines_that_all_differ_may_be_long(line):
    assert not counts_on(table(TABLE_LINES - 3, line), NOTHING)
    assert counts_on(table(TABLE_LINES, line), NOTHING)


@pytest.mark.parametrize("form", ["{}", "```python\n{}```", "{} ", "    {}"])
def test_a_table_of_the_prompt_may_be_copied_whatever_its_length(form):
    text = table(3 * TABLE_LINES)
    lines = form.format(text).split("\n")
    for prompt in (
        shown("\n".join(lines)),
        shown("\n".join(f"{n:>4}  {line}" for n, line in enumerate(lines, 1))),
        PromptLines(Prompt((), gap=Gap(text, ""))),
        PromptLines(Prompt((), gap=Gap("", text))),
    ):
        assert not counts_on(text, prompt)
        assert counts_on(text + table(TABLE_LINES, "    KEY_{0} = 2,\n"), prompt)


def test_a_line_of_the_prompt_over_and_over_is_no_copy():
    line = "    KEY_7 = 7,\n"
    prompt = shown(table(100))
    copied = table(100)
    assert not counts_on(copied + line * (COUNTED_LINES - 1), prompt)
    assert counts_on(copied + line * COUNTED_LINES, prompt)
    assert counts_on("\n" + line * (COUNTED_LINES + 1), prompt)
    assert not counts_on("\n" + line * 40, shown(line * 40))
    assert counts_on("\n" + line * (40 + COUNTED_LINES), shown(line * 40))


def test_the_prompt_is_read_once_and_only_if_it_matters():
    prompt = shown(table(100))
    assert not counts_on("\n".join(NAMES), prompt)
    assert prompt == shown(table(100))
    assert not counts_on(table(100), prompt)
    read = prompt._counts
    assert read is not None
    assert not counts_on(table(100), prompt)
    assert prompt._counts is read


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
    assert not counts_on(text, NOTHING)
    assert not goes_round(text, NOTHING)


ROUND = [f"    if self.{name} > 0:\n        raise Wrong('{name}')\n" for name in "abcd"]


def test_a_few_statements_round_and_round():
    assert goes_round("".join(ROUND) * 4, NOTHING)
    assert goes_round("\n\n".join(ROUND * 2 + ROUND[::-1] * 2), NOTHING)
    assert not goes_round("".join(ROUND) * 3, NOTHING)
    assert not goes_round("".join(ROUND) * 4 + "done\n", NOTHING)
    assert runs_away(list(range(352)), "".join(ROUND) * 4, NOTHING)


def test_what_goes_round_in_the_prompt_may_be_copied():
    text = "".join(ROUND) * 4
    assert not goes_round(text, shown(text))
    assert goes_round(text * 2, shown(text))


def test_it_is_looked_at_now_and_then():
    tokens = [7] * 321
    assert not runs_away(tokens, COUNTING, NOTHING)
    assert runs_away([7] * 352, "", NOTHING)
    assert runs_away(list(range(352)), COUNTING, NOTHING)
    assert not runs_away(list(range(352)), "x\n" * COUNTED_LINES, NOTHING)
    assert not runs_away(list(range(352)), COUNTING, shown(COUNTING))
