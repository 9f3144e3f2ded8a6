"""Providers as they answer and fail: real servers on loopback, and the SDKs of both protocols."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest

pytest.importorskip("anthropic", reason="the extra `frontier` is not installed")
pytest.importorskip("openai", reason="the extra `frontier` is not installed")

from qwenagent import errors
from qwenagent.errors import EscalationError
from qwenagent.escalate import Answer, Tokens, ask, count_tokens, most
from qwenagent.escalate.failures import BY_STATUS, RETRIES, asked_pause_s
from tests.escalate_servers import (
    CACHED,
    DATED,
    ENVIRON,
    FORMS,
    FRESH,
    KEY,
    MAX_TOKENS,
    MODEL,
    OUT,
    REQUEST,
    Reply,
    Standin,
    answering,
    cut,
    endless,
    failing,
    failing_inside,
    free_port,
    garbled,
    paging,
    provider_at,
    serving,
    silent,
    stalling,
)

QUICK = (0.01, 0.02)
SOON_S = 5.0
"""A cancel is seen within 0.1 s; a busy machine takes longer."""


@pytest.fixture(params=FORMS, ids=lambda form: f"{form[0]}-{'events' if form[1] else 'whole'}")
def standin(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with serving(Standin(*request.param)) as server:
        yield server


@pytest.fixture(params=["messages", "chat"])
def streaming(request: pytest.FixtureRequest) -> Iterator[Standin]:
    with serving(Standin(request.param, stream=True)) as server:
        yield server


def asked(standin: Standin, *replies: Reply, **own: object) -> Answer:
    standin.replies += replies
    return ask(standin.provider(**own), REQUEST, environ=ENVIRON, pauses_s=QUICK)


def failure(standin: Standin, *replies: Reply, **own: object) -> EscalationError:
    with pytest.raises(EscalationError) as caught:
        asked(standin, *replies, **own)
    assert KEY not in f"{caught.value}{caught.value!r}"
    return caught.value


def known_so_far(standin: Standin) -> tuple[int, int, int]:
    """What a broken stream has cost: Anthropic tells the request's tokens first, OpenAI last."""
    if standin.protocol == "messages":
        return (FRESH, CACHED, MAX_TOKENS)
    return (count_tokens(REQUEST), 0, MAX_TOKENS)


UNKNOWN = (count_tokens(REQUEST), 0, MAX_TOKENS)


# -- answers --------------------------------------------------------------------------------------


def test_an_answer(standin):
    standin.replies.append(answering("one ", "twö"))
    seen: list[str] = []
    answer = ask(standin.provider(), REQUEST, on_text=seen.append, environ=ENVIRON)
    assert answer == Answer("one twö", Tokens(FRESH, CACHED, OUT), "stop", DATED, "req-1")
    assert seen == (["one ", "twö"] if standin.stream else ["one twö"])
    turns = [{"role": m.role, "content": m.text} for m in REQUEST.messages]
    body = {"model": MODEL, "max_tokens": MAX_TOKENS, "stream": standin.stream}
    if standin.protocol == "messages":
        body |= {"system": "Be short.", "messages": turns}
    else:
        body |= {"messages": [{"role": "system", "content": "Be short."}, *turns]}
        body |= {"stream_options": {"include_usage": True}} if standin.stream else {}
    assert [a.body for a in standin.asked] == [body]


def test_no_system_no_key_and_another_name_for_the_limit(standin):
    standin.replies.append(answering("ok"))
    own = {"key_variable": "", "limit_field": "max_completion_tokens"}
    answer = ask(standin.provider(**own), replace(REQUEST, system=""), environ=ENVIRON)
    assert answer.text == "ok"
    [sent] = standin.asked
    assert "Authorization" not in sent.headers
    assert "system" not in sent.body
    assert sent.body["messages"][0]["role"] == "user"
    limit = "max_tokens" if standin.protocol == "messages" else "max_completion_tokens"
    assert sent.body[limit] == MAX_TOKENS


def test_the_environment_and_the_sdks_add_nothing(standin, monkeypatch):
    dead = f"http://127.0.0.1:{free_port()}"
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, dead)
    for sdk in ("ANTHROPIC", "OPENAI"):
        monkeypatch.setenv(f"{sdk}_CUSTOM_HEADERS", "X-Spy: canary\nauthorization: canary")
        monkeypatch.setenv(f"{sdk}_BASE_URL", dead)
        monkeypatch.setenv(f"{sdk}_API_KEY", "canary")
        monkeypatch.setenv(f"{sdk}_AUTH_TOKEN", "canary")
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "ANTHROPIC_PROFILE"):
        monkeypatch.setenv(name, "canary")
    asked(standin, answering("ok"))
    [sent] = standin.asked
    version = ["anthropic-version"] if standin.protocol == "messages" else []
    names = ["accept", "accept-encoding", "authorization", "connection", "content-length"]
    names += ["content-type", "host", "user-agent", *version]
    assert sorted(name.lower() for name in sent.headers) == sorted(names)
    assert sent.headers["Authorization"] == f"Bearer {KEY}"
    assert sent.headers["User-Agent"] == "qwenagent"
    assert b"canary" not in sent.raw


def test_a_proxy_only_if_the_user_says_so(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{(dead := free_port())}")
    own = {"base_url": "http://frontier.invalid/v1", "unencrypted": True, "use_environment": True}
    provider = provider_at(dead, "chat", **own)
    with pytest.raises(errors.CannotConnect) as caught:
        ask(provider, REQUEST, environ=ENVIRON, pauses_s=QUICK)
    assert "frontier.invalid" in caught.value.message
    assert "refused" in caught.value.message  # by the proxy; without one the name is not found


def test_nothing_is_logged_whatever_the_environment_wants(tmp_path):
    script = tmp_path / "asks.py"
    script.write_text(
        "import logging\n"
        "from qwenagent.escalate import ask\n"
        "from tests.escalate_servers import ENVIRON, FORMS, REQUEST, Standin, answering, serving\n"
        "for form in FORMS:\n"
        "    with serving(Standin(*form, [answering('ok')])) as standin:\n"
        "        print(ask(standin.provider(), REQUEST, environ=ENVIRON).text)\n"
        "print(logging.getLogger().handlers)\n",
        encoding="utf-8",
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=300,
        env={
            "PYTHONPATH": str(Path(__file__).parent.parent),
            "ANTHROPIC_LOG": "debug",
            "OPENAI_LOG": "debug",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
    )
    assert (done.stdout, done.stderr, done.returncode) == ("ok\nok\nok\nok\n[]\n", "", 0)


def test_what_is_not_counted_is_the_most_it_can_be(streaming):
    answer = asked(streaming, answering("ok", counts=False))
    fresh, cached, out = known_so_far(streaming)
    assert answer == Answer("ok", Tokens(fresh, cached, out, exact=False), "stop", DATED, "req-1")


def test_counts_that_are_none_do_not_count(streaming):
    events = (
        b'{"type":"message_start","message":{"model":7,"usage":{"input_tokens":"x"}},"model":7,'
        b'"choices":[{"delta":{"content":"o"}}],"usage":{"prompt_tokens":-1}}',
        b'{"type":"content_block_delta","delta":{"text":"k","type":"text_delta"},'
        b'"choices":[{"delta":{"content":"k"},"finish_reason":"stop"}]}',
        b'{"type":"message_delta","delta":{"stop_reason":"end_turn"},'
        b'"usage":{"output_tokens":"many"},"choices":null}',
    )
    answer = asked(streaming, garbled(*events))
    assert answer.usage == most(REQUEST)
    assert answer.model == MODEL
    assert answer.text.endswith("k")


def test_an_answer_that_is_as_long_as_allowed(standin):
    answer = asked(standin, answering("half", stop="length"))
    assert (answer.text, answer.stop) == ("half", "length")


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
    standin.replies += [failing(429, "slow", Retry_After="1"), answering("ok")]
    waits: list[float] = []
    start = time.monotonic()
    ask(
        standin.provider(),
        REQUEST,
        environ=ENVIRON,
        pauses_s=QUICK,
        on_wait=lambda seconds, _: waits.append(seconds),
    )
    assert waits == [1.0]
    assert time.monotonic() - start >= 1.0


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


# -- connections ----------------------------------------------------------------------------------


@pytest.mark.parametrize("protocol", ["messages", "chat"])
def test_nobody_listens(protocol):
    port = free_port()
    waits: list[float] = []
    with pytest.raises(errors.CannotConnect) as caught:
        ask(
            provider_at(port, protocol),
            REQUEST,
            environ=ENVIRON,
            pauses_s=QUICK,
            on_wait=lambda seconds, _: waits.append(seconds),
        )
    assert f"no connection to 127.0.0.1:{port}: " in caught.value.message
    assert "the last of 3 tries" in caught.value.message
    assert caught.value.spent == (0, 0, 0)
    assert waits == [0.01, 0.02]


def test_a_server_that_does_not_encrypt(standin):
    own = {"base_url": f"https://127.0.0.1:{standin.port}/v1"}
    error = failure(standin, answering("ok"), **own)
    assert (type(error), error.spent) == (errors.CannotConnect, (0, 0, 0))
    assert standin.asked == []


def test_a_server_that_hangs_up_at_once_may_have_cost(standin):
    def close(handler):
        handler.close_connection = True

    error = failure(standin, close)
    assert (type(error), error.spent, len(standin.asked)) == (errors.AnswerCut, UNKNOWN, 1)


@pytest.mark.parametrize(
    "how",
    [
        {"chunked": False},
        {"chunked": True},
        {"chunked": True, "ended": True},
        {"chunked": True, "reset": True},
    ],
    ids=["closed", "chunk missing", "ended without end", "reset"],
)
def test_a_cut_stream_is_no_answer_and_counts(streaming, how):
    error = failure(streaming, cut("half of", " it", **how))
    assert type(error) is errors.AnswerCut
    if "reset" not in how:  # which may throw away what has arrived
        assert error.spent == known_so_far(streaming)
    assert len(streaming.asked) == 1


@pytest.mark.parametrize("protocol", ["messages", "chat"])
def test_a_cut_answer_that_is_no_stream(protocol):
    with serving(Standin(protocol, stream=False)) as standin:
        error = failure(standin, cut("half"))
    assert (type(error), error.spent) == (errors.AnswerCut, UNKNOWN)


def test_silence_before_the_answer(standin):
    error = failure(standin, silent, first_s=0.5)
    assert (type(error), error.spent) == (errors.TimedOut, UNKNOWN)
    assert "says nothing for 0.5 s" in error.message
    assert standin.hung_up.wait(SOON_S)


def test_silence_in_the_middle(streaming):
    error = failure(streaming, stalling("half"), between_s=0.5)
    assert (type(error), error.spent) == (errors.TimedOut, known_so_far(streaming))
    assert streaming.hung_up.wait(SOON_S)


def test_an_answer_without_end(streaming):
    error = failure(streaming, endless, answer_s=2.0)
    assert (type(error), error.spent) == (errors.AnswerCut, known_so_far(streaming))
    assert streaming.hung_up.wait(SOON_S)


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


# -- stopping -------------------------------------------------------------------------------------


class Stopping:
    """A cancel that is set by what happens, and how long it took to have an effect."""

    def __init__(self) -> None:
        self.cancel = threading.Event()
        self._at = 0.0

    def now(self, *_: object) -> None:
        if not self.cancel.is_set():
            self._at = time.monotonic()
            self.cancel.set()

    def once_asked(self, standin: Standin) -> None:
        while not standin.asked:
            time.sleep(0.01)
        self.now()

    def took_s(self) -> float:
        return time.monotonic() - self._at


def test_a_cancel_while_nothing_comes(standin):
    standin.replies.append(silent)
    stopping = Stopping()
    threading.Thread(target=stopping.once_asked, args=(standin,)).start()
    answer = ask(standin.provider(), REQUEST, cancel=stopping.cancel, environ=ENVIRON)
    assert stopping.took_s() < SOON_S
    assert answer == Answer("", most(REQUEST), "cancelled", MODEL, "")
    assert standin.hung_up.wait(SOON_S)


def test_a_cancel_in_the_middle(streaming):
    streaming.replies.append(endless)
    stopping = Stopping()
    answer = ask(
        streaming.provider(),
        REQUEST,
        cancel=stopping.cancel,
        on_text=stopping.now,
        environ=ENVIRON,
    )
    assert stopping.took_s() < SOON_S
    usage = Tokens(*known_so_far(streaming), exact=False)
    assert answer == Answer("word ", usage, "cancelled", DATED, "req-1")
    assert streaming.hung_up.wait(SOON_S)


def test_a_cancel_in_a_pause_costs_nothing(standin):
    standin.replies.append(failing(429, "busy", Retry_After="50"))
    stopping = Stopping()
    answer = ask(
        standin.provider(),
        REQUEST,
        cancel=stopping.cancel,
        on_wait=stopping.now,
        environ=ENVIRON,
    )
    assert stopping.took_s() < SOON_S
    assert answer == Answer("", Tokens(), "cancelled", MODEL, "")


def test_a_cancel_before_it_begins(standin):
    cancel = threading.Event()
    cancel.set()
    answer = ask(standin.provider(), REQUEST, cancel=cancel, environ=ENVIRON)
    assert answer == Answer("", Tokens(), "cancelled", MODEL, "")
    assert standin.asked == []


def test_whoever_listens_may_end_it(streaming):
    streaming.replies.append(endless)

    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ask(streaming.provider(), REQUEST, on_text=interrupt, environ=ENVIRON)
    assert streaming.hung_up.wait(SOON_S)


# -- before anything is sent ----------------------------------------------------------------------


@pytest.mark.parametrize(("protocol", "package"), [("messages", "anthropic"), ("chat", "openai")])
def test_an_sdk_that_is_not_installed(monkeypatch, protocol, package):
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(errors.FrontierMissing) as caught:
        ask(provider_at(free_port(), protocol), REQUEST, environ=ENVIRON)
    assert f"the package {package} is not installed" in caught.value.message
    assert caught.value.hint == "pip install 'qwenagent[frontier]'"


def test_importing_loads_no_sdk_and_no_http():
    heavy = {"anthropic", "openai", "httpx2", "keyring", "pydantic"}
    code = f"import sys, qwenagent.escalate; print(*{heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"


def test_no_key_is_told_before_anything_is_sent(standin):
    with pytest.raises(errors.KeyMissing) as caught:
        ask(standin.provider(), REQUEST, environ={})
    assert caught.value.hint == "set the environment variable TEST_FRONTIER_KEY"
    assert standin.asked == []


def test_more_than_the_model_writes_is_not_asked_for(standin):
    error = failure(standin, models={MODEL: {"output_tokens": 99}})
    assert type(error) is errors.RequestTooLong
    assert "writes up to 99 tokens, and 100 are asked for" in error.message
    assert standin.asked == []


def test_a_request_for_which_no_price_is_known_is_not_sent(standin):
    price = {"fresh": 1, "out": 2, "as_of": "2026-01-01", "up_to": 100}
    error = failure(standin, models={MODEL: {"price": price}})
    assert type(error) is errors.RequestTooLong
    assert "price of model-of-tests is known up to 100" in error.message
    assert standin.asked == []


def test_the_tables_name_errors_that_cost_nothing_to_repeat():
    assert set(RETRIES) == {errors.RateLimited, errors.ProviderDown, errors.CannotConnect}
    assert set(RETRIES) - {errors.CannotConnect} <= set(BY_STATUS.values())
