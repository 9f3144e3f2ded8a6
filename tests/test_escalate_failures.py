"""Providers that fail: their statuses, and answers that cannot be used; servers on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from email.utils import formatdate

import pytest

pytest.importorskip("anthropic", reason="the extra `frontier` is not installed")
pytest.importorskip("openai", reason="the extra `frontier` is not installed")

from qwenagent import errors
from qwenagent.escalate import Tokens, ask
from qwenagent.escalate.failures import RETRIES, asked_pause_s
from tests.escalate_asking import QUICK, UNKNOWN, asked, failure, known_so_far
from tests.escalate_servers import (
    CACHED,
    ENVIRON,
    FORMS,
    FRESH,
    KEY,
    OUT,
    REQUEST,
    Standin,
    answering,
    failing,
    failing_inside,
    garbled,
    paging,
    serving,
)


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0]}-{'events' if form[1] else 'whole'}")
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with serving(Standin(*request.param)) as server:
        yield server


@pytest.fixture(params=["messages", "chat"])
def streaming(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with serving(Standin(request.param, stream=True)) as server:
        yield server


# -- statuses -------------------------------------------------------------------------------------

LONG = "This model's maximum context length is 8192 tokens, you asked for 9000"
STATUSES = [
    (failing(401, "invalid x-api-key", "authentication_error"), errors.KeyRefused),
    (failing(402, "Insufficient Balance"), errors.PaymentNeeded),
    (failing(403, "not allowed", "permission_error"), errors.AccessDenied),
    (failing(404, "model: x", "not_found_error"), errors.NoSuchModel),
    (paging("<h1>Not Found</h1>", status=404), errors.NoSuchModel),
    (failing(413, "Request exceeds the maximum size", "request_too_large"), errors.RequestTooLong),
    (
        failing(400, LONG, "invalid_request_error", "context_length_exceeded"),
        errors.RequestTooLong,
    ),
    (
        failing(400, "prompt is too long: 9 tokens > 8 maximum", "invalid_request_error"),
        errors.RequestTooLong,
    ),
    (
        failing(400, "the request exceeds the available context size", "exceed_context_size_error"),
        errors.RequestTooLong,
    ),
    (
        failing(400, "Your credit balance is too low", "invalid_request_error"),
        errors.PaymentNeeded,
    ),
    (failing(400, "x is not a valid model ID", "", 400), errors.NoSuchModel),
    (failing(400, "temperature: not a number", "invalid_request_error"), errors.RequestRefused),
    (
        failing(400, "filtered", "invalid_request_error", "content_policy_violation"),
        errors.AnswerRefused,
    ),
    (failing(422, "a field is missing"), errors.RequestRefused),
    (paging("teapot", "text/plain", 418), errors.RequestRefused),
]


@pytest.mark.parametrize(("reply", "kind"), STATUSES, ids=lambda x: getattr(x, "__name__", "-"))
def test_a_final_status_costs_nothing_and_is_not_asked_again(standin, reply, kind):
    if kind is errors.AnswerRefused and standin.protocol == "messages":
        kind = errors.RequestRefused  # whose errors have no code
    error = failure(standin, reply)
    assert (type(error), error.spent, len(standin.asked)) == (kind, (0, 0, 0), 1)
    assert "test" in error.message
    assert error.hint or kind is errors.RequestRefused


def test_what_a_status_says(standin):
    error = failure(standin, failing(401, f"bad key {KEY}\x1b[31m\n\u202eevil", "x"))
    assert error.message == (
        "test does not know the key from the environment variable TEST_FRONTIER_KEY (HTTP 401): "
        "bad key [key] [31m evil"
    )
    error = failure(standin, failing(400, "x" * 10_000))
    assert len(error.message) < 400


def test_quota_that_is_used_up_is_not_waited_for(standin):
    error = failure(standin, failing(429, "You exceeded your quota", "x", "insufficient_quota"))
    kind = errors.PaymentNeeded if standin.protocol == "chat" else errors.RateLimited
    assert type(error) is kind
    assert len(standin.asked) == (1 if standin.protocol == "chat" else 5)


@pytest.mark.parametrize(
    ("status", "kind"),
    [(429, errors.RateLimited), (500, errors.ProviderDown), (529, errors.ProviderDown)],
)
def test_a_status_that_may_pass(standin, status, kind):
    standin.replies += [failing(status, "busy"), failing(status, "busy"), answering("ok")]
    waits: list[tuple[float, str]] = []
    answer = ask(
        standin.provider(),
        REQUEST,
        environ=ENVIRON,
        pauses_s=QUICK,
        on_wait=lambda seconds, why: waits.append((seconds, why)),
    )
    assert answer.usage == Tokens(FRESH, CACHED, OUT)
    says = {
        errors.RateLimited: "test takes no more requests for now",
        errors.ProviderDown: "test fails or is overloaded",
    }
    why = f"{says[kind]} (HTTP {status}): busy"
    assert waits == [(0.01, why), (0.02, why)]
    assert len(standin.asked) == 3


@pytest.mark.parametrize(
    ("status", "kind"), [(429, errors.RateLimited), (503, errors.ProviderDown)]
)
def test_patience_ends(standin, status, kind):
    error = failure(standin, failing(status, "busy"))
    n = RETRIES[kind] + 1
    assert (type(error), error.spent, len(standin.asked)) == (kind, (0, 0, 0), n)
    assert f"the last of {n} tries" in error.message


def test_a_gateway_that_gave_up_may_have_cost_and_is_not_asked_again(standin):
    error = failure(standin, failing(504, "upstream"))
    assert (type(error), error.spent) == (errors.ProviderDown, UNKNOWN)
    assert len(standin.asked) == 1


def test_retry_after_is_kept(standin):
    standin.replies += [failing(429, "slow", Retry_After="0.3"), answering("ok")]
    waits: list[float] = []
    start = time.monotonic()
    ask(
        standin.provider(),
        REQUEST,
        environ=ENVIRON,
        pauses_s=QUICK,
        on_wait=lambda seconds, _: waits.append(seconds),
    )
    assert waits == [0.3]
    assert time.monotonic() - start >= 0.3


def test_a_retry_after_that_is_too_long_ends_it_at_once(standin):
    error = failure(standin, failing(429, "slow", Retry_After="3600"))
    assert type(error) is errors.RateLimited
    assert error.message.endswith("it asks to wait 3,600 s, and up to 60 s are waited")
    assert len(standin.asked) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "2.5"}, 2.5),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": formatdate(0, usegmt=True)}, 0.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
    ],
)
def test_pauses_that_are_asked_for(headers, seconds):
    assert asked_pause_s(headers) == seconds


def test_a_date_to_come_back_at():
    assert 50 < (asked_pause_s({"retry-after": formatdate(time.time() + 60)}) or 0) <= 60


def test_redirects_are_not_followed(standin):
    with serving(Standin(standin.protocol, standin.stream, [answering("ok")])) as other:
        to = f"http://127.0.0.1:{other.port}/v1/messages"
        error = failure(standin, paging("", "text/html", 307, Location=to))
        assert type(error) is errors.RequestRefused
        assert to in error.message
        assert other.asked == []


# -- what cannot be used --------------------------------------------------------------------------


def test_an_empty_answer(standin):
    error = failure(standin, answering(" \n"))
    assert (type(error), error.spent) == (errors.AnswerEmpty, (FRESH, CACHED, OUT))


def test_thoughts_that_use_up_the_answer(standin):
    error = failure(standin, answering("", stop="length"))
    assert type(error) is errors.AnswerEmpty
    assert "used up its 100 tokens" in error.message


def test_a_refusal(standin):
    error = failure(standin, answering("I cannot", stop="refusal"))
    assert (type(error), error.spent) == (errors.AnswerRefused, (FRESH, CACHED, OUT))


def test_a_refusal_in_a_field_of_its_own():
    event = (
        b'{"choices":[{"delta":{"refusal":"No."},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":3,"completion_tokens":2}}'
    )
    with serving(Standin("chat", stream=True)) as standin:
        error = failure(standin, garbled(event))
    assert (type(error), error.spent) == (errors.AnswerRefused, (3, 0, 2))


@pytest.mark.parametrize("stop", ["tool_use", "tool_calls"])
def test_a_call_that_nobody_asked_for(standin, stop):
    error = failure(standin, answering("x", stop=stop))
    assert (type(error), error.spent) == (errors.AnswerMalformed, (FRESH, CACHED, OUT))


MALFORMED = {
    "page": paging("<html>Welcome to the hotel's network</html>"),
    "text": paging("ok", "text/plain"),
    "no json": paging('{"half": ', "application/json"),
    "a list": paging("[1, 2]", "application/json"),
    "a number": paging("5", "application/json"),
    "nothing": paging("", "application/json"),
    "other json": paging('{"answer": "yes"}', "application/json"),
    "wrong types": paging(
        '{"content": 5, "choices": {"a": 1}, "usage": [], "stop_reason": 3}', "application/json"
    ),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_answer(standin, name):
    error = failure(standin, MALFORMED[name])
    assert (type(error), error.spent) == (errors.AnswerMalformed, UNKNOWN)
    assert "127.0.0.1" in error.message
    assert len(standin.asked) == 1


@pytest.mark.parametrize(
    "data", [b'{"type": "content_', b"\xff\xfe", b"nonsense"], ids=["half", "bytes", "words"]
)
def test_events_that_are_no_json(streaming, data):
    error = failure(streaming, garbled(data))
    assert (type(error), error.spent) == (errors.AnswerMalformed, UNKNOWN)


@pytest.mark.parametrize("data", [b"[]", b"7", b'"x"', b"null", b"{}"])
def test_events_that_say_nothing(streaming, data):
    error = failure(streaming, garbled(data))
    assert (type(error), error.spent) == (errors.AnswerCut, UNKNOWN)


def test_an_error_in_the_middle_of_an_answer(streaming):
    error = failure(streaming, failing_inside("half", message="over", kind="overloaded_error"))
    assert (type(error), error.spent) == (errors.ProviderDown, known_so_far(streaming))
    assert error.message.endswith("in the middle of its answer: over")
    assert len(streaming.asked) == 1


def test_an_error_in_the_place_of_an_answer_may_pass(streaming):
    answer = asked(
        streaming,
        failing_inside(message="over", kind="overloaded_error"),
        answering("ok"),
    )
    assert answer.text == "ok"
    assert len(streaming.asked) == 2


def test_a_gateways_number_in_a_stream():
    with serving(Standin("chat", stream=True)) as standin:
        error = failure(standin, failing_inside(message="who?", kind="x", code=401))
    assert (type(error), error.spent) == (errors.KeyRefused, (0, 0, 0))
