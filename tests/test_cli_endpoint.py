"""--endpoint on the command line: who may name one, what is asked for, what is said of it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from qwenagent import doctor
from qwenagent.cli.boundary import guarded
from qwenagent.cli.endpoint import remote_engine, served_card
from qwenagent.config import ModelSettings, Settings, load_settings, user_file
from qwenagent.doctor import Finding
from qwenagent.engine.remote import Endpoint, Served, endpoint_of
from qwenagent.errors import ConfigError, UnknownModel, UsageError
from qwenagent.protocol.messages import EngineInfo
from qwenagent.ui.words import engine_line, engine_notes
from tests.endpoint_standin import Standin, failing, serving


@pytest.fixture
def standin() -> Iterator[Standin]:
    with serving(Standin()) as standin:
        yield standin


def fails(capsys: pytest.CaptureFixture[str], code: int, *args: str) -> str:
    assert guarded(args) == code
    return capsys.readouterr().err


@pytest.mark.parametrize(
    "setting",
    [
        'endpoint = "http://evil"',
        'endpoint_kind = "vllm"',
        'endpoint_key_variable = "AWS_SECRET"',
        "endpoint_timeout_s = 1.0",
    ],
)
def test_a_repository_may_not_name_an_endpoint(tmp_path, setting):
    (tmp_path / ".qwenagent.toml").write_text(f"[model]\n{setting}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"a repository may not set model\.endpoint"):
        load_settings(tmp_path, {}, {})


def test_an_empty_endpoint_on_the_command_line_is_this_machine():
    user_file().parent.mkdir(parents=True)
    user_file().write_text('[model]\nendpoint = "http://gpu"\n', encoding="utf-8")
    assert load_settings(None, {}, {}).model.endpoint == "http://gpu"
    assert load_settings(None, {}, {"model.endpoint": ""}) == Settings()


def test_what_the_settings_say_of_it():
    model = ModelSettings(
        endpoint="http://gpu/v1",
        endpoint_kind="vllm",
        endpoint_key_variable="BOX",
        endpoint_timeout_s=9.0,
    )
    assert endpoint_of(model, {"BOX": "k"}) == Endpoint(
        "http://gpu", "vllm", "k", "BOX", silence_s=9.0
    )


@pytest.mark.parametrize(
    ("name", "parameters", "card"),
    [
        ("qwen2.5-coder-1.5b-instruct-q4_k_m.gguf", 0.0, "1.5b"),
        ("Qwen/Qwen2.5-Coder-32B-Instruct-AWQ", 0.0, "32b"),
        ("our-14B", 7.6, "14b"),
        ("coder", 0.63, "0.5b"),
        ("coder", 1.78, "1.5b"),
        ("coder", 7.62, "7b"),
        ("coder-q4b8", 14.77, "14b"),
        ("coder-70b", 32.76, "32b"),
    ],
)
def test_the_card_is_that_of_the_served_size(name, parameters, card):
    assert served_card(Served(name, 1, 1, "", parameters), "").name == card


def test_the_card_may_be_named():
    served = Served("qwen2.5-coder-7b", 1, 1, "")
    assert served_card(served, "1.5b").name == "1.5b"
    with pytest.raises(UnknownModel):
        served_card(served, "9b")
    with pytest.raises(UsageError, match="is a file, and the model is the one of the endpoint"):
        served_card(served, "./a.gguf")
    with pytest.raises(UsageError, match="does not tell its size") as told:
        served_card(Served("coder", 1, 1, "", 100.0), "")
    assert "--model with one of 0.5b, 1.5b" in told.value.hint


def test_no_model_is_needed_here(standin):
    engine, card = remote_engine(Settings(ModelSettings(endpoint=standin.url)))
    assert (card.name, engine.describe().n_ctx) == ("7b", 1000)
    engine.close()


def test_what_is_shown_of_a_remote_engine():
    info = EngineInfo("m", "remote gpu:1", 9, 0, "l", details={"sends": "text", "lacks": "much"})
    assert engine_line(info) == "m on remote gpu:1, n_ctx 9 tokens"
    assert engine_notes(info) == ["text", "much"]
    assert engine_notes(EngineInfo("m", "CPU", 9, 2, "l", details={"log": "x"})) == []


def test_an_address_that_is_none_is_told_before_anything(capsys):
    told = fails(capsys, 2, "run", "missing.md", "--endpoint", "gpu:80")
    assert told == (
        "error: the endpoint 'gpu:80' is no address of a server\n"
        "  for example http://gpu-box:8080\n"
    )


def test_a_demo_that_reaches_nobody_leaves_nothing_behind(standin, tmp_path, capsys):
    standin.failures.append(failing(401))
    told = fails(capsys, 4, "demo", "--keep", str(tmp_path / "demo"), "--endpoint", standin.url)
    assert "refuses with HTTP 401" in told
    assert "QWENAGENT_ENDPOINT_KEY" in told
    assert not (tmp_path / "demo").exists()


def findings(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine(folder)}


def test_doctor_asks_the_endpoint(standin, tmp_path, monkeypatch):
    monkeypatch.setenv("QWENAGENT_MODEL_ENDPOINT", standin.url)
    host = standin.url.removeprefix("http://")
    found = findings(tmp_path)
    assert found["endpoint"] == Finding(
        True,
        "endpoint",
        f"{host} serves qwen2.5-coder-7b-instruct-q4_k_m.gguf, n_ctx 1,000, "
        "llama.cpp server b1-test",
    )
    assert found["models"].ok is None  # none is needed here
    standin.failures.append(failing(503, "Loading model", "unavailable_error"))
    found = findings(tmp_path)
    assert found["endpoint"].ok is False
    assert found["endpoint"].detail.startswith(f"{host} does not answer: 1 tries")


def test_the_command_line_loads_no_http_for_a_local_run():
    code = "import sys, qwenagent.cli.wiring, qwenagent.engine; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert "httpx2" not in done.stdout.split()
