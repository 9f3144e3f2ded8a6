"""Bodies of search and replace: what they take, against looking through the file."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qwenagent.errors import GrammarError
from qwenagent.grammar import Markers, Recogniser, accepts, markers, search_body
from qwenagent.grammar.automaton import NEVER, Automaton
from qwenagent.grammar.search import MAX_AHEAD, MAX_BLOCKS, MAX_LINES, MAX_MARKER

FEW = settings(max_examples=60, deadline=None)
LINES = st.lists(st.sampled_from(["a", "b", "", "\tc", 'say "hi" \\', "é🙂"]), max_size=7)
CODE = "import os\n\n\ndef a():\n    return 1\n\n\ndef b():\n    return 1\n"
OPEN, MIDDLE, CLOSE = "<<<<<<< SEARCH", "=======", ">>>>>>> REPLACE"


def block(search: str, new: str = "", marks: Markers | None = None) -> str:
    marks = marks or Markers(OPEN, MIDDLE, CLOSE)
    return f"{marks.search}\n{search}{marks.middle}\n{new}{marks.replace}\n"


def verdict(text: str, body: str, fence: str = "```") -> str:
    recogniser = Recogniser(search_body(text, fence).text)
    alive = recogniser.feed(body)
    return "sentence" if recogniser.complete else "beginning" if alive else "dead"


BODIES = (
    (block("def a():\n", "def c():\n") + "```", "sentence"),
    (block("def a():\n") + "```\n\n", "sentence"),
    (block("def a():\n    return 1\n\n\ndef b():\n", "x\n") + "```", "sentence"),
    (block("def b():\n    return 1\n") + block("import os\n", "\n\n") + "```\n", "sentence"),
    (block("\ndef b():\n", "``` in a line is none\n".replace("```", "``")) + "```", "sentence"),
    (block("def b():\n", "<<<<<< x\n>>>>>> y\n=======\n``\n<\n") + "```", "sentence"),
    ("", "beginning"),
    (block("def b():\n"), "beginning"),
    ("<<<<<<< SEARCH\n    return 1\n", "beginning"),
    ("<<<<<<< SEARCH\n\n\n", "beginning"),
    (block("def b():\n", ">>>>>>> REPLACE"[:-1]).removesuffix(f"{CLOSE}\n"), "beginning"),
    ("```", "dead"),
    ("\n", "dead"),
    ("<<<<<<< SEARCH\n=", "dead"),
    ("<<<<<<< SEARCH\n    return 1\n=", "dead"),
    ("<<<<<<< SEARCH\n    return 1\n\n\ndef a", "dead"),
    ("<<<<<<< SEARCH\n    return 1\n\n\ndef b():\n=", "beginning"),
    ("<<<<<<< SEARCH\ndef c", "dead"),
    ("<<<<<<< SEARCH\ndef a(): ", "dead"),
    ("<<<<<<< SEARCH\nreturn 1", "dead"),
    ("<<<<<<< SEARCH\ndef b():\n    return 1\n\n", "dead"),
    (block("def b():\n", "x\x0c"), "dead"),
    (block("def b():\n").removesuffix(f"{CLOSE}\n") + "<<<<<<<", "dead"),
    (block("def b():\n").removesuffix(f"{CLOSE}\n") + ">>>>>>> X", "dead"),
    (block("def b():\n").removesuffix(f"{CLOSE}\n") + "```", "dead"),
    (block("def b():\n") + "````", "dead"),
)
"""Bodies for CODE, and what they are."""


@pytest.mark.parametrize(("body", "expected"), BODIES)
def test_bodies_of_a_file(body: str, expected: str) -> None:
    assert verdict(CODE, body) == expected


def test_at_most_so_many_blocks() -> None:
    one = block("import os\n")
    assert verdict(CODE, one * MAX_BLOCKS + "```") == "sentence"
    assert verdict(CODE, one * MAX_BLOCKS + "<") == "dead"


@FEW
@given(LINES, st.booleans(), st.integers(0, 7), st.integers(1, 7))
def test_lines_can_be_searched_for_just_if_they_occur_once(
    lines: list[str], ended: bool, start: int, n: int
) -> None:
    text = "\n".join(lines) + ("\n" if ended and lines else "")
    there = text.removesuffix("\n").split("\n") if text else []
    wanted = (there or ["a"])[start : start + n] or ["b"]
    places = [i for i in range(len(there)) if there[i : i + len(wanted)] == wanted]
    body = block("".join(f"{line}\n" for line in wanted)) + "```"
    try:
        taken = accepts(search_body(text, "```").text, body)
    except GrammarError:
        taken = False
        assert not text
    assert taken == (len(places) == 1)


def drawn(gbnf: str, marks: Markers, random: Random) -> str:
    """A random sentence, made of markers, fences, odd pieces of lines and what has to follow."""
    recogniser = Recogniser(gbnf)
    text = ""
    pieces = [f"{marks.middle}\n", f"{marks.replace}\n", "````", "\n", "a é", "<<", "=", "\t`"]
    while not recogniser.complete:
        chars = [found.ranges[0][0] for found in recogniser.next_chars() if not found.negated]
        for piece in (random.choice(pieces), random.choice(pieces), random.choice(chars or pieces)):
            if recogniser.copy().feed(piece):
                recogniser.feed(piece)
                text += piece
                break
    return text


@FEW
@given(LINES.filter(any), st.integers(0, 2**32))
def test_what_is_drawn_replaces_lines_in_one_place(lines: list[str], seed: int) -> None:
    text = "\n".join([*lines, "=======", "last", ""])
    marks = markers(text)
    body = drawn(search_body(text, "````").text, marks, Random(seed))
    there = text.removesuffix("\n").split("\n")
    written = body.rstrip("\n").split("\n")
    assert written.pop() == "````"
    n_blocks = 0
    while written:
        assert written.pop(0) == marks.search
        search = written[: written.index(marks.middle)]
        places = [i for i in range(len(there)) if there[i : i + len(search)] == search]
        assert len(places) == 1
        new = written[len(search) + 1 : written.index(marks.replace)]
        assert not any(line.startswith(("````", "<" * 8, ">" * 8)) for line in new)
        del written[: len(search) + len(new) + 2]
        n_blocks += 1
    assert 1 <= n_blocks <= MAX_BLOCKS


@pytest.mark.parametrize(
    ("text", "width"),
    [
        ("", 7),
        ("a = b\n<<<<<< x\n======\n", 7),
        ("=======\n", 8),
        ("=======  \r\n========\t\n", 9),
        ("======= x\n ========\n", 7),
        ("=======", 8),
        ("<<<<<<< HEAD\n", 8),
        ("  <<<<<<< HEAD\n", 7),
        ("<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n", 8),
        (">>>>>>>>> a\n==========\n", 11),
        (">>> import os\n", 7),
    ],
)
def test_markers_are_longer_than_what_looks_like_them(text: str, width: int) -> None:
    expected = Markers("<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE")
    assert markers(text) == expected


def test_a_file_with_markers_can_be_changed() -> None:
    text = "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n"
    marks = markers(text)
    body = block("=======\nb\n>>>>>>> REPLACE\n", "<<<<<<< HEAD\n=======\n", marks) + "```"
    assert verdict(text, body) == "sentence"
    assert verdict(text, block("a\n") + "```") == "dead"


@pytest.mark.parametrize(
    "line",
    [
        'say "hi"',
        "back\\slash",
        "\ttab\t",
        "form\x0cfeed",
        "\x01\x1b[0m\x7f",
        "carriage\r",
        "half\rway",
        "é 漢 🙂 \u2028 \ufeff",
        "  trailing  ",
        "[a-z]{2}* | # ::= root",
        "<|im_end|>",
        "`` two",
    ],
)
def test_lines_are_written_as_they_are(line: str) -> None:
    text = f"first\n{line}\nlast"
    assert verdict(text, block(f"{line}\nlast\n") + "```") == "sentence"
    assert verdict(text, block(f"{line} \nlast\n") + "```") == "dead"


@pytest.mark.parametrize("line", ["half \udcff", "zero \0", "```", "```python"])
def test_lines_that_cannot_be_written_are_left_out(line: str) -> None:
    text = f"a\n{line}\nb\nc\na\n{line}\nb\nd\n"
    search_body(text, "```").text.encode()
    assert verdict(text, block("c\n") + "```") == "sentence"
    assert verdict(text, block("b\nc\n") + "```") == "sentence"
    assert verdict(text, f"{OPEN}\nb\n") == "beginning"
    # Behind each "a" comes the line alone: nothing that begins there could end.
    assert verdict(text, f"{OPEN}\na\n{line}"[:18]) == "dead"
    assert verdict(text, f"{OPEN}\n{line[:3]}") == "dead"
    with pytest.raises(GrammarError, match="no line of the file can be searched for"):
        search_body(f"{line}\n{line}\n", "```")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no line of the file"),
        ("x\n" * (MAX_AHEAD + 5), "no line of the file"),
        ("x\n" * (MAX_LINES + 1), "20,001 lines and markers of 7 characters"),
        ("<" * MAX_MARKER, "1 lines and markers of 501 characters"),
    ],
)
def test_files_in_which_nothing_can_be_searched_for(text: str, message: str) -> None:
    with pytest.raises(GrammarError) as raised:
        search_body(text, "```")
    assert message in raised.value.message
    assert raised.value.hint


def test_equal_lines_are_told_apart_by_their_surroundings() -> None:
    text = "x\n" * 3000 + "y\n"
    for n in (1, 2, 99, 3000):
        assert verdict(text, block("x\n" * n + "y\n") + "```") == "sentence"
        if n < 3000:
            assert verdict(text, f"{OPEN}\n" + "x\n" * n + "=") == "dead"
    assert verdict(text, f"{OPEN}\n" + "x\n" * 3001) == "dead"
    assert verdict("x\n" * MAX_AHEAD, block("x\n" * MAX_AHEAD) + "```") == "sentence"


def test_the_size_of_a_grammar_grows_with_its_file() -> None:
    sizes = []
    for n in (1000, 2000):
        numbered = "".join(f"line {i}\n\n    return x\n" for i in range(n))
        sizes.append(len(search_body(numbered + "x\n" * n, "```").text))
    assert sizes[1] < 2.2 * sizes[0]


@FEW
@given(st.lists(st.integers(0, 2), max_size=30))
def test_an_automaton_knows_all_parts_and_which_occur_once(items: list[int]) -> None:
    automaton = Automaton(items)
    assert len(automaton.next) <= max(2, 2 * len(items))
    for start in range(len(items)):
        state = 0
        for end in range(start, len(items)):
            state = automaton.next[state][items[end]]
            part = items[start : end + 1]
            n = sum(items[i : i + len(part)] == part for i in range(len(items)))
            assert automaton.is_once(state) == (n == 1)


def test_steps_until_a_part_occurs_once() -> None:
    automaton = Automaton([1, 1, 1, 2, 1])
    steps = automaton.steps_to_once([True, True, True])
    assert steps[0] == 1
    assert steps[automaton.next[0][1]] == 1
    assert steps[automaton.next[0][2]] == 0
    without_two = automaton.steps_to_once([True, True, False])
    assert without_two[0] == 3
    assert automaton.steps_to_once([True, False, False]) == [
        0 if automaton.is_once(state) else NEVER for state in range(len(steps))
    ]
