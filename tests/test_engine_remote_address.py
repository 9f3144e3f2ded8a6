"""The address of a remote engine: what it may be, the key, redirects, proxies, what leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from qwenagent.engine.remote import Endpoint, RemoteEngine, read_endpoint
from qwenagent.errors import (
    ConfigError,
    EngineError,
)
from tests.endpoint_standin import (
    Standin,
    failing,
    serving,
)
from tests.remote_stage import complete, engine_for


@pytest.fixture
def standin() -> Iterator[Standin]:
    with serving(Standin()) as standin:
        yield standin


@pytest.fixture
def engine(standin: Standin) -> Iterator[RemoteEngine]:
    engine = engine_for(standin)
    yield engine
    engine.close()


def test_the_key_is_sent_and_named_where_it_is_wrong(standin):
    engine = engine_for(standin, key="s3cret", key_variable="BOX_KEY")
    engine.start()
    assert {asked.headers.get("Authorization") for asked in standin.asked} == {"Bearer s3cret"}
    standin.failures.append(failing(401))
    with pytest.raises(EngineError, match="HTTP 401") as told:
        engine.count("new")
    assert "BOX_KEY" in told.value.hint
    assert "s3cret" not in repr(engine_for(standin, key="s3cret")._endpoint)
    engine.close()


def test_a_missing_key_is_named(standin, engine):
    standin.failures.append(failing(403))
    with pytest.raises(EngineError, match="HTTP 403") as told:
        engine.start()
    assert told.value.hint == (
        "put the server's key into the environment variable QWENAGENT_ENDPOINT_KEY"
    )


def test_redirects_are_not_followed(standin):
    engine = engine_for(standin, key="s3cret")
    with serving(Standin()) as other:
        standin.failures.append(failing(302, Location=f"{other.url}/props"))
        with pytest.raises(EngineError, match=r"redirects to http.*not followed"):
            engine.start()
        standin.replies.append(failing(307, Location=f"{other.url}/completion"))
        with pytest.raises(EngineError, match=r"redirects to http.*not followed"):
            complete(engine, standin)
        assert other.asked == []
    engine.close()


def test_a_proxy_is_not_asked_for_what_is_on_this_machine(standin, engine, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    engine.start()


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("http://gpu:8080", "http://gpu:8080"),
        (" http://gpu:8080/ ", "http://gpu:8080"),
        ("https://gpu/v1/", "https://gpu"),
        ("http://gpu/team/v1", "http://gpu/team"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses(written, url):
    assert read_endpoint(written, {"OTHER": "k"}, key_variable="OTHER") == Endpoint(
        url, key="k", key_variable="OTHER"
    )


@pytest.mark.parametrize(
    "written",
    ["gpu:8080", "gpu", "ftp://gpu", "http://", "http://gpu:x", "http://g u", "http://gpu/?a=b"],
)
def test_what_is_no_address(written):
    with pytest.raises(ConfigError, match="is no address of a server"):
        read_endpoint(written, {})


def test_a_password_belongs_elsewhere():
    with pytest.raises(ConfigError, match="user name or password") as told:
        read_endpoint("http://me:s3cret@gpu", {})
    assert "s3cret" not in str(told.value)
    with pytest.raises(ConfigError, match="QWENAGENT_ENDPOINT_KEY has characters"):
        read_endpoint("http://gpu", {"QWENAGENT_ENDPOINT_KEY": "a\nb"})


@pytest.mark.parametrize(
    ("url", "key", "sends"),
    [
        ("http://localhost:1", "k", ""),
        ("http://127.8.8.8", "", ""),
        ("http://[::1]:1", "", ""),
        ("https://gpu", "", "prompts, with text of the repository, go to gpu"),
        (
            "http://localhost.example:8",
            "k",
            "prompts, with text of the repository, go to localhost.example:8 with the key in "
            "QWENAGENT_ENDPOINT_KEY, unencrypted",
        ),
    ],
)
def test_what_leaves_the_machine_is_said(url, key, sends):
    assert Endpoint(url, key=key).sends == sends
