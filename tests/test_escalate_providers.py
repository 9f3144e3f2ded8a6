"""Providers, prices and keys: the table that ships, the user's own over it, and where keys are."""

from __future__ import annotations

import pickle
import sys
import threading
import time
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qwenagent.errors import AssetError, ConfigError, KeyMissing
from qwenagent.escalate import (
    FrontierModel,
    KeySource,
    Price,
    Provider,
    Request,
    Tokens,
    count_tokens,
    find_provider,
    most,
    provider_names,
)
from qwenagent.escalate.keys import NO_KEY, Key, read_key
from qwenagent.protocol.messages import Message

PRESETS = (
    *("anthropic", "openai", "deepseek", "openrouter", "ollama", "together", "groq", "fireworks"),
    *("huggingface", "local"),
)
SECRET = "sk-0123456789"


# -- the table that ships -------------------------------------------------------------------------


def test_the_presets():
    assert provider_names() == PRESETS
    for name in PRESETS:
        provider = find_provider(name, {name: {"model": "m"}})
        assert provider.model == FrontierModel("m")
        assert provider.base_url.startswith("http://127.0.0.1" if name == "local" else "https://")
        assert bool(provider.key) is (name != "local")
        assert provider.protocol == ("messages" if name == "anthropic" else "chat")


def test_every_model_of_the_table_has_a_dated_price():
    table = tomllib.loads(
        (Path(__file__).parent.parent / "models" / "frontier" / "providers.toml").read_text("utf-8")
    )
    models = [(name, model) for name, row in table.items() for model in row.get("models", {})]
    assert len(models) > 15
    for name, model in models:
        price = find_provider(name, {name: {"model": model}}).model.price
        assert price is not None
        assert price.cached <= price.fresh <= price.out
        assert "2025-01-01" < price.as_of < "2027-01-01"


def test_a_preset_as_it_is():
    assert find_provider("anthropic") == Provider(
        name="anthropic",
        protocol="messages",
        base_url="https://api.anthropic.com",
        model=FrontierModel(
            "claude-sonnet-4-5",
            Price(Decimal(3), Decimal("0.3"), Decimal(15), "2025-10-15", 200_000),
        ),
        key=KeySource("ANTHROPIC_API_KEY"),
    )


def test_prices_are_exact_and_rounded_up():
    price = Price(Decimal("0.1"), Decimal("0.01"), Decimal("0.4"), "2026-01-01")
    assert price.of(Tokens(10, 0, 0)) == 1
    assert price.of(Tokens(10, 1, 0)) == 2
    assert price.of(Tokens(1_000_000, 0, 1_000_000)) == 500_000
    assert price.of(Tokens()) == 0


def test_a_malformed_table(tmp_path, monkeypatch):
    (tmp_path / "models" / "frontier").mkdir(parents=True)
    table = tmp_path / "models" / "frontier" / "providers.toml"
    table.write_text("[a]\nmodel =", encoding="utf-8")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path))
    with pytest.raises(AssetError, match=r"models/frontier/providers\.toml"):
        provider_names()


# -- the user's own -------------------------------------------------------------------------------


def test_a_users_own_provider():
    own = tomllib.loads(
        """
        [box]
        protocol = "messages"
        base_url = "http://gpu-box:8080/v1/"
        unencrypted = true
        model = "qwen3"
        key_keyring = "qwenagent"
        key_command = ["pass", "show", "box"]
        stream = false
        use_environment = true
        between_s = 5

        [box.models.qwen3]
        context_tokens = 32768
        output_tokens = 8192
        price = { fresh = 0.1, out = 2, as_of = 2026-11-01 }
        """
    )
    assert provider_names(own) == (*PRESETS, "box")
    provider = find_provider("box", own)
    price = Price(Decimal("0.1"), Decimal("0.1"), Decimal(2), "2026-11-01")
    assert provider == Provider(
        name="box",
        protocol="messages",
        base_url="http://gpu-box:8080",
        model=FrontierModel("qwen3", price, 32_768, 8192),
        key=KeySource("", "qwenagent", ("pass", "show", "box")),
        stream=False,
        use_environment=True,
        between_s=5.0,
    )
    assert (provider.host, provider.is_loopback) == ("gpu-box:8080", False)


def test_a_preset_with_another_model_and_price():
    mine = {"price": {"fresh": 9, "out": 10, "as_of": "2026-11-01"}}
    own = {"openai": {"model": "gpt-5", "models": {"gpt-5": mine, "other": {}}}}
    ours, changed = find_provider("openai"), find_provider("openai", own)
    price = Price(Decimal(9), Decimal(9), Decimal(10), "2026-11-01")
    assert changed.model == FrontierModel("gpt-5", price)
    assert changed.key == ours.key
    kept = find_provider("openai", {"openai": {"model": "gpt-5-mini", "models": {"other": {}}}})
    assert kept.model.price is not None


def test_the_key_of_a_preset_goes_to_no_other_host():
    moved = {"base_url": "https://mirror.example.com/v1"}
    assert find_provider("openai", {"openai": moved}).key == KeySource()
    named = find_provider("openai", {"openai": {**moved, "key_variable": "MIRROR_KEY"}})
    assert named.key == KeySource("MIRROR_KEY")
    same = find_provider("openai", {"openai": {"base_url": "https://api.openai.com/v1"}})
    assert same.key == KeySource("OPENAI_API_KEY")


BOX = {"base_url": "https://box/v1", "model": "m"}
WRONG = [
    ("box", {}, "no provider is called 'box'; there are anthropic"),
    ("groq", {}, "escalate.providers.groq names no model"),
    ("box", {"box": 5}, "escalate.providers.box is no table"),
    ("box", {"box": {"model": "m"}}, "escalate.providers.box.base_url is '', no address"),
    ("box", {"box": BOX | {"base_url": "box"}}, "base_url is 'box', no address"),
    ("box", {"box": BOX | {"base_url": "ftp://box"}}, "base_url is 'ftp://box', no address"),
    ("box", {"box": BOX | {"base_url": "https://b:x"}}, "base_url is 'https://b:x', no address"),
    ("box", {"box": BOX | {"base_url": "https://b/?a=1"}}, "no address of a server"),
    ("box", {"box": BOX | {"base_url": "https://b/\n"}}, "no address of a server"),
    ("box", {"box": BOX | {"base_url": "https://u:pw@b"}}, "has a user name or password in it"),
    ("box", {"box": BOX | {"base_url": "http://b"}}, "sends code and key unencrypted to b"),
    ("box", {"box": BOX | {"protocol": "smtp"}}, "box.protocol: Invalid enum value 'smtp'"),
    ("box", {"box": BOX | {"modle": "m"}}, "box: there is no key 'modle', only answer_s"),
    ("box", {"box": BOX | {"key_command": "pass"}}, "box.key_command: Expected `array`"),
    ("box", {"box": BOX | {"key_command": [""]}}, "box.key_command has no program"),
    ("box", {"box": BOX | {"first_s": 0}}, "box.first_s: Expected `float` > 0"),
    ("box", {"box": BOX | {"models": 3}}, "box.models: Expected `object`"),
    ("box", {"box": BOX | {"models": {"m": 3}}}, "box.models[...]: Expected `object`"),
    ("box", {"box": BOX | {"models": {"m": {"cost": 3}}}}, "box.models.m: there is no key 'cost'"),
]


@pytest.mark.parametrize(("name", "own", "complaint"), WRONG)
def test_what_cannot_be_meant_is_refused_with_its_place(name, own, complaint):
    with pytest.raises(ConfigError) as caught:
        find_provider(name, own)
    assert complaint in caught.value.message
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("amount", [-1, float("nan"), float("inf"), "much", True, 1e9])
def test_a_price_is_a_number_of_dollars(amount):
    price = {"fresh": 1, "out": amount, "as_of": "2026-01-01"}
    with pytest.raises(ConfigError, match=r"escalate\.providers\.box\.models"):
        find_provider("box", {"box": BOX | {"models": {"m": {"price": price}}}})


def test_a_near_miss_is_recognised():
    with pytest.raises(ConfigError) as caught:
        find_provider("antropic")
    assert caught.value.hint.startswith("did you mean anthropic?")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]", "a.localhost"])
def test_this_machine_needs_no_encryption(host):
    provider = find_provider("box", {"box": BOX | {"base_url": f"http://{host}:1/v1"}})
    assert (provider.is_loopback, provider.base_url) == (True, f"http://{host}:1/v1")


# -- what it can cost -----------------------------------------------------------------------------


@given(st.text(), st.lists(st.text(), max_size=3))
def test_no_tokenizer_makes_more_tokens_than_the_bound(system, texts):
    request = Request(system, tuple(Message("user", text) for text in texts), 10, "patch")
    n_bytes = sum(len(text.encode()) for text in (system, *texts))
    assert count_tokens(request) >= n_bytes + 16 * (len(texts) + 1)
    assert most(request) == Tokens(count_tokens(request), 0, 10, exact=False)


def test_text_that_grows_when_it_is_normalised():
    long = "\ufdfa"  # 3 bytes, which NFKC makes 33 of
    one = Request("", (Message("user", long),), 10, "advice")
    none = Request("", (Message("user", ""),), 10, "advice")
    assert count_tokens(one) - count_tokens(none) == 33


# -- keys -----------------------------------------------------------------------------------------


def script(folder: Path, code: str) -> tuple[str, ...]:
    path = folder / "get key.py"
    path.write_text(f"import sys, time\n{code}\n", encoding="utf-8")
    return (sys.executable, str(path))


def test_a_key_is_in_no_text():
    key = Key(SECRET, "a place")
    assert [repr(key), str(key), f"{key}"] == ["Key(from a place)"] * 3
    assert SECRET not in repr({"key": key})
    assert key.scrubbed(f"bad {SECRET}!") == "bad [key]!"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_the_environment_comes_first(tmp_path):
    source = KeySource("A_KEY", command=script(tmp_path, f"print({SECRET!r})"))
    key = read_key("box", source, {"A_KEY": " sk-env \n"})
    assert (key.reveal(), key.origin) == ("sk-env", "the environment variable A_KEY")
    key = read_key("box", source, {"A_KEY": ""})
    assert (key.reveal(), key.origin) == (SECRET, f"the command {sys.executable}")


def test_no_source_is_no_key():
    assert read_key("local", KeySource(), {"A_KEY": "x"}) is NO_KEY


@pytest.mark.parametrize("text", ["two words", "ümlaut", "x" * 9000, "a\x00b"])
def test_what_is_no_key(text):
    with pytest.raises(KeyMissing) as caught:
        read_key("box", KeySource("A_KEY"), {"A_KEY": text})
    assert text not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("print('sk-bad'); sys.exit(2)", "exit code 2, 1 words where one is a key"),
        ("print('sk-bad and more')", "exit code 0, 3 words where one is a key"),
        ("print()", "exit code 0, 0 words where one is a key"),
    ],
)
def test_a_command_that_gives_no_key(tmp_path, code, complaint):
    with pytest.raises(KeyMissing) as caught:
        read_key("box", KeySource(command=script(tmp_path, code)), {})
    assert complaint in caught.value.message
    assert "sk-bad" not in str(caught.value)


@pytest.mark.parametrize("program", ["./get-key", "bin/get-key", "no-such-program-here"])
def test_a_program_of_the_repository_is_not_run(tmp_path, monkeypatch, program):
    for place in (tmp_path / "get-key", tmp_path / "bin" / "get-key"):
        place.parent.mkdir(exist_ok=True)
        place.write_text("#!/bin/sh\necho sk-theirs\n", encoding="utf-8")
        place.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyMissing, match="is not a program in PATH"):
        read_key("box", KeySource(command=(program,)), {"PATH": f".:{tmp_path.name}:bin:"})


def test_a_relative_folder_in_path_does_not_count(tmp_path, monkeypatch):
    (tmp_path / "get-key").write_text("#!/bin/sh\necho sk-theirs\n", encoding="utf-8")
    (tmp_path / "get-key").chmod(0o755)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KeyMissing):
        read_key("box", KeySource(command=("get-key",)), {"PATH": ".:"})
    key = read_key("box", KeySource(command=("get-key",)), {"PATH": str(tmp_path)})
    assert key.reveal() == "sk-theirs"


def test_a_command_is_interrupted(tmp_path):
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    start = time.monotonic()
    source = KeySource(command=script(tmp_path, "time.sleep(50)"))
    assert read_key("box", source, {}, cancel) is NO_KEY
    assert time.monotonic() - start < 10


def test_no_keyring_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyMissing) as caught:
        read_key("box", KeySource(keyring="qwenagent"), {})
    assert caught.value.hint == "pip install 'qwenagent[keyring]'"


BACKEND = """
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Kept(KeyringBackend):
    priority = 1

    def get_password(self, service, username):
        if service == "locked":
            raise KeyringLocked("canary")
        return {("qwenagent", "box"): "sk-kept"}.get((service, username))

    def set_password(self, service, username, password):
        raise NotImplementedError
"""


def test_a_keyring(tmp_path, monkeypatch):
    keyring = pytest.importorskip("keyring", reason="the extra `keyring` is not installed")
    (tmp_path / "backend_of_tests.py").write_text(BACKEND, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    before = keyring.get_keyring()
    keyring.set_keyring(keyring.core.load_keyring("backend_of_tests.Kept"))
    try:
        key = read_key("box", KeySource(keyring="qwenagent"), {})
        assert (key.reveal(), key.origin) == ("sk-kept", "the keyring, service qwenagent")
        with pytest.raises(KeyMissing) as caught:
            read_key("other", KeySource("A_KEY", "qwenagent"), {})
        assert caught.value.hint == (
            "set the environment variable A_KEY or `keyring set qwenagent other`"
        )
        with pytest.raises(KeyMissing, match="does not give the key for box: KeyringLocked"):
            read_key("box", KeySource(keyring="locked"), {})
    finally:
        keyring.set_keyring(before)
