"""The scripted engine keeps the promises of the protocol: tests of the loop rest on it."""

from __future__ import annotations

from itertools import count as counting

import pytest

from qwenagent.engine import Engine, ScriptedEngine
from qwenagent.errors import ContextOverflow, EngineCrashed, EngineError, InvalidGrammar
from qwenagent.grammar import Grammar, body_grammar
from qwenagent.loop import Stop
from qwenagent.protocol.messages import Completion, Message, Prompt, Sampling, Usage

PROMPT = Prompt((Message("user", "Say yes."),))
N_PROMPT = 11
SAMPLING = Sampling(max_tokens=100)
YES = Grammar('root ::= "yes" | "yes!"', "a yes")


def test_it_is_an_engine():
    engine: Engine = ScriptedEngine(["yes"])
    assert engine.complete(PROMPT, sampling=SAMPLING) == [
        Completion("yes", "stop", Usage(prompt_tokens=N_PROMPT, completion_tokens=1, calls=1))
    ]
    assert engine.describe().n_ctx == 8192
    engine.close()


def test_the_prompts_are_kept():
    engine = ScriptedEngine(["a", "b"])
    other = Prompt((Message("user", "?"),), opening="{")
    engine.complete(PROMPT, sampling=SAMPLING)
    engine.complete(other, sampling=SAMPLING)
    assert engine.prompts == [PROMPT, other]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no", "the grammar of a yes refuses 'no' after ''"),
        ("yess", "the grammar of a yes refuses 's' after 'yes'"),
        ("yes!!", "the grammar of a yes refuses '!' after 'yes!'"),
    ],
)
def test_what_the_grammar_refuses_is_refused(text, message):
    with pytest.raises(EngineError) as caught:
        ScriptedEngine([text]).complete(PROMPT, sampling=SAMPLING, grammar=YES)
    assert caught.value.message == message


@pytest.mark.parametrize(("text", "stop"), [("yes", "stop"), ("yes!", "stop"), ("ye", "length")])
def test_an_answer_has_ended_by_itself_only_where_the_grammar_says_so(text, stop):
    [done] = ScriptedEngine([text]).complete(PROMPT, sampling=SAMPLING, grammar=YES)
    assert (done.text, done.stop) == (text, stop)


def test_a_body_ends_with_its_fence():
    engine = ScriptedEngine(["a = 1\n```", "a = 1\n"])
    ends = [
        engine.complete(PROMPT, sampling=SAMPLING, grammar=body_grammar("```"))[0].stop
        for _ in range(2)
    ]
    assert ends == ["stop", "length"]


def test_a_grammar_that_is_none_is_refused():
    with pytest.raises(InvalidGrammar):
        ScriptedEngine(["yes"]).complete(
            PROMPT, sampling=SAMPLING, grammar=Grammar("root ::= nowhere", "x")
        )


@pytest.mark.parametrize(("room", "fits"), [(0, True), (-1, False)])
def test_what_does_not_fit_is_refused_to_the_token(room, fits):
    assert ScriptedEngine([]).count(PROMPT) == N_PROMPT
    engine = ScriptedEngine(["yes"], n_ctx=N_PROMPT + 100 + room)
    if fits:
        assert engine.complete(PROMPT, sampling=SAMPLING)[0].text == "yes"
    else:
        with pytest.raises(ContextOverflow, match=f"{N_PROMPT} tokens.* 100, n_ctx is"):
            engine.complete(PROMPT, sampling=SAMPLING)
        assert engine.prompts == []


def test_several_candidates_until_one_is_accepted():
    engine = ScriptedEngine(["a", "b", "c", "d"])
    seen: list[tuple[int, str]] = []
    done = engine.complete(
        PROMPT,
        sampling=SAMPLING,
        n=4,
        accept=lambda one: one.text == "b",
        on_text=lambda i, text: seen.append((i, text)),
    )
    assert [one.text for one in done] == ["a", "b"]
    assert seen == [(0, "a"), (1, "b")]
    assert engine.complete(PROMPT, sampling=SAMPLING)[0].text == "c"


def test_a_set_flag_cancels_before_the_first_candidate():
    stop = Stop()
    stop.set("interrupted")
    done = ScriptedEngine(["a"]).complete(PROMPT, sampling=SAMPLING, n=2, cancel=stop)
    assert done == [Completion("", "cancelled", Usage(calls=1))]


def test_a_flag_that_is_set_meanwhile_cancels_the_rest():
    stop = Stop()
    engine = ScriptedEngine(["a", "b", "c"])
    done = engine.complete(
        PROMPT,
        sampling=SAMPLING,
        n=3,
        cancel=stop,
        on_text=lambda i, text: stop.set("interrupted"),
    )
    assert [one.stop for one in done] == ["stop", "cancelled"]


def test_reading_the_prompt_is_told():
    seen: list[tuple[int, int]] = []
    ScriptedEngine(["a"]).complete(
        PROMPT, sampling=SAMPLING, on_prefill=lambda done, total: seen.append((done, total))
    )
    assert seen == [(N_PROMPT, N_PROMPT)]


def test_a_reply_may_be_an_error_a_completion_or_a_function():
    whole = Completion("cut", "length", Usage(calls=1))
    engine = ScriptedEngine(
        [EngineCrashed("died"), whole, lambda prompt: prompt.messages[0].text.upper()]
    )
    with pytest.raises(EngineCrashed, match="died"):
        engine.complete(PROMPT, sampling=SAMPLING)
    assert engine.complete(PROMPT, sampling=SAMPLING) == [whole]
    assert engine.complete(PROMPT, sampling=SAMPLING)[0].text == "SAY YES."


def test_a_script_may_be_endless_and_one_that_ends_says_so():
    engine = ScriptedEngine(str(i) for i in counting())
    assert [engine.complete(PROMPT, sampling=SAMPLING)[0].text for _ in range(3)] == list("012")
    with pytest.raises(EngineError, match="no reply to call 1"):
        ScriptedEngine([]).complete(PROMPT, sampling=SAMPLING)


@pytest.mark.parametrize(("text", "n"), [("", 0), ("a", 1), ("abcd", 1), ("abcde", 2)])
def test_a_token_is_four_characters(text, n):
    assert ScriptedEngine([]).count(text) == n
