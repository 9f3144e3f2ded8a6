"""Providers as they answer, break off and are stopped: servers on loopback, and both SDKs."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("anthropic", reason="the extra `frontier` is not installed")
pytest.importorskip("openai", reason="the extra `frontier` is not installed")

from qwenagent import errors
from qwenagent.escalate import Answer, Tokens, ask, most
from qwenagent.escalate.failures import BY_STATUS, RETRIES
from tests.escalate_asking import QUICK, UNKNOWN, asked, failure, known_so_far
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
    Standin,
    answering,
    cut,
    endless,
    failing,
    free_port,
    garbled,
    provider_at,
    serving,
    silent,
    stalling,
)

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
    error = failure(streaming, endless, answer_s=0.5)
    assert (type(error), error.spent) == (errors.AnswerCut, known_so_far(streaming))
    assert streaming.hung_up.wait(SOON_S)


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
