"""Reading a text as an answer, with the real 0.5B: where it would have gone another way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.engine import EmbeddedEngine, LoadSettings
from qwenagent.errors import ContextOverflow
from qwenagent.protocol.messages import (
    Alternative,
    Alternatives,
    Message,
    Prompt,
    Reading,
    Sampling,
    Span,
)
from qwenagent.syntax import opens_block

pytestmark = pytest.mark.model

TEXT = (
    "def largest(numbers):\n    best = numbers[0]\n    for number in numbers:\n"
    "        if number < best:\n            best = number\n    return best\n"
)
ASK = Prompt(
    (
        Message("system", "You write Python."),
        Message("user", "Write largest(numbers), which returns the largest of the numbers."),
    ),
    "```python\n",
)
ALL = (Span(0, len(TEXT)),)
SHORT = Sampling(max_tokens=8)


@pytest.fixture(scope="module")
def engine(test_gguf: Path, n_threads: int, cache: Path) -> Iterator[EmbeddedEngine]:
    settings = LoadSettings(test_gguf, n_ctx=1024, n_threads=n_threads, cache=cache)
    engine = EmbeddedEngine("test", settings)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def found(engine: EmbeddedEngine) -> Alternatives:
    return engine.alternatives(Reading(ASK, TEXT, ALL, 16))


def changed(one: Alternative) -> str:
    return TEXT[: one.start] + one.text + TEXT[one.end :]


def test_a_wrong_sign_is_what_it_doubts(found):
    assert TEXT.replace("number < best", "number > best") in [changed(a) for a in found.found]


def test_each_is_another_end_of_one_line(found):
    assert len(found.found) == 16
    assert len({changed(one) for one in found.found} - {TEXT}) == 16
    for one in found.found:
        assert TEXT[one.end] == "\n"
        line, *block = one.text.split("\n")
        assert "\n" not in TEXT[one.start : one.end]
        assert not block or opens_block(line.encode())
    odds = [one.probability for one in found.found]
    assert odds == sorted(odds, reverse=True)
    assert 0 < odds[-1] <= odds[0] <= 1


def test_a_block_comes_with_the_line_that_opens_it(engine):
    text = TEXT.replace("        if number < best:\n            best = number\n", "        pass\n")
    at = text.index("pass")
    found = engine.alternatives(Reading(ASK, text, (Span(at - 1, at + 4),), 4)).found
    assert " if number > best:\n            best = number" in [one.text for one in found]


def test_where_a_block_ends_another_line_may_lack(engine):
    lacks = TEXT.replace("    return best\n", "")
    text = f"{lacks}\n\ndef smallest(numbers):\n    return min(numbers)\n"
    end = len(lacks)
    found = engine.alternatives(Reading(ASK, text, (Span(end - 8, end + 1),), 8)).found
    assert Alternative(end, end, "    return best", found[0].probability) in [
        replace(one, probability=found[0].probability) for one in found
    ]


def test_the_bill(engine, found):
    usage = found.usage
    assert usage.calls == 1
    n_text = engine.count(ASK) + engine.count(TEXT)
    assert n_text - 4 <= usage.prompt_tokens <= n_text
    assert usage.completion_tokens >= len(found.found)
    assert usage.decode_s > 0


def test_only_places_within_the_spans(engine):
    start = TEXT.index("        if")
    end = TEXT.index("\n", start)
    found = engine.alternatives(Reading(ASK, TEXT, (Span(start, end),), 4)).found
    assert found
    assert all(start <= one.start < end for one in found)
    assert engine.alternatives(Reading(ASK, TEXT, (), 4)).found == ()


def test_a_weight_puts_a_place_first(engine):
    start = TEXT.index("best\n")  # the return's, or an earlier one
    spans = (Span(0, start, 0.0), Span(start, len(TEXT), 1.0))
    first, *_ = engine.alternatives(Reading(ASK, TEXT, spans, 8)).found
    assert first.start >= start


def test_it_ends_when_one_is_taken(engine, found):
    taken = []

    def take(one: Alternative) -> bool:
        taken.append(one)
        return len(taken) == 3

    ended = engine.alternatives(Reading(ASK, TEXT, ALL, 16), take=take).found
    assert tuple(taken) == ended
    assert [changed(one) for one in ended] == [changed(one) for one in found.found[:3]]


def test_the_conversation_goes_on_as_if_it_had_not_been(engine):
    [before] = engine.complete(ASK, sampling=SHORT)
    engine.alternatives(Reading(ASK, TEXT, ALL, 8))
    [after] = engine.complete(ASK, sampling=SHORT)
    assert after.text == before.text
    assert after.usage.cached_tokens == engine.count(ASK) - 1


def test_cancel(engine):
    cancel = threading.Event()
    cancel.set()
    assert engine.alternatives(Reading(ASK, TEXT, ALL, 8), cancel=cancel).found == ()
    [after] = engine.complete(ASK, sampling=SHORT)
    assert after.stop in ("stop", "length")


def test_other_letters(engine):
    text = 'größe = "naïve ✓"\nprint(größe)\n'
    for one in engine.alternatives(Reading(ASK, text, (Span(0, len(text)),), 16)).found:
        assert text[one.end] == "\n"
        assert "\n" not in text[one.start : one.end]


def test_a_text_that_does_not_fit(engine):
    with pytest.raises(ContextOverflow):
        engine.alternatives(Reading(ASK, TEXT * 40, ALL, 1))
