from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.config import (
    LoopSettings,
    ModelSettings,
    Settings,
    TestSettings,
    UiSettings,
    load_settings,
    user_file,
)
from qwenagent.errors import ConfigError


def own(text: str) -> Path:
    path = user_file()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def theirs(root: Path, text: str) -> Path:
    path = root / ".qwenagent.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults(tmp_path):
    assert load_settings(tmp_path, {}, {"model.name": None}) == Settings()
    assert load_settings(None, {}, {}) == Settings()


def test_every_source_wins_over_those_below(tmp_path):
    own('[model]\nname = "user"\nn_ctx = 9\nn_threads = 1\n[loop]\nrepairs = 3\nseed = 1\n')
    theirs(tmp_path, '[model]\nname = "repository"\nn_ctx = 2\n[loop]\nrepairs = 1\n')
    environ = {"QWENAGENT_MODEL_NAME": "environment", "QWENAGENT_LOOP_REPAIRS": "4"}
    assert load_settings(tmp_path, environ, {"model.name": "flag", "loop.seed": None}) == Settings(
        ModelSettings(name="flag", n_ctx=2, n_threads=1), LoopSettings(repairs=4, seed=1)
    )


def test_forms_of_the_environment(tmp_path):
    environ = {
        "QWENAGENT_MODEL_N_CTX": "4096",
        "QWENAGENT_MODEL_NAME": "",
        "QWENAGENT_TESTS_TIMEOUT_S": "1.5",
        "QWENAGENT_TESTS_COMMAND": "pytest -q",
        "QWENAGENT_HOME": "/somewhere",
        "QWENAGENT_TEST_GGUF": "/a.gguf",
    }
    assert load_settings(None, environ, {}) == Settings(
        ModelSettings(n_ctx=4096), tests=TestSettings("pytest -q", 1.5)
    )


def test_the_keys_of_the_terminal():
    assert load_settings(None, {}, {}).ui == UiSettings("emacs")
    own('[ui]\nkeys = "vi"\n')
    assert load_settings(None, {}, {}).ui == UiSettings("vi")
    assert load_settings(None, {"QWENAGENT_UI_KEYS": "emacs"}, {}).ui == UiSettings("emacs")
    assert load_settings(None, {"QWENAGENT_UI_THEME": "dark"}, {}).ui == UiSettings("vi", "dark")


def test_a_file_with_a_byte_order_mark():
    own('\ufeff[model]\nname = "ü"\n')
    expected = replace(Settings(), model=ModelSettings(name="ü"))
    assert load_settings(None, {}, {}) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[model]\nnam = 1\n", "there is no setting model.nam\nmodel has name, n_ctx, "),
        ("[modle]\nname = 1\n", "there is no setting modle.name\nthe sections are model, loop, "),
        ("name = 1\n", "name stands outside of a section"),
        ('[model]\nn_ctx = "8192"\n', "model.n_ctx is '8192': Expected `int`, got `str`"),
        ("[model]\nn_ctx = -1\n", "model.n_ctx is -1: Expected `int` >= 0"),
        ("[loop]\nrepairs = 1000\n", "loop.repairs is 1000: Expected `int` <= 20"),
        ("[loop]\ntemperature = nan\n", "loop.temperature is nan: "),
        ("[tests]\ntimeout_s = -1\n", "tests.timeout_s is -1: Expected `float` >= 0"),
        ("[tests]\nslow_s = 0\n", "tests.slow_s is 0: Expected `float` > 0"),
        ('[ui]\nkeys = "nano"\n', "ui.keys is 'nano': Invalid enum value 'nano'"),
        ("[model]\nname = \n", "Invalid value (at line 2"),
    ],
)
def test_mistakes_in_a_file(text, message):
    path = own(text)
    with pytest.raises(ConfigError) as raised:
        load_settings(None, {}, {})
    assert str(raised.value).startswith(f"{path}: {message}")


def test_a_file_that_is_not_utf8_or_no_file():
    path = own("")
    path.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_settings(None, {}, {})
    path.unlink()
    path.mkdir()
    with pytest.raises(ConfigError, match="directory"):
        load_settings(None, {}, {})


def test_mistakes_in_the_environment_and_on_the_command_line():
    with pytest.raises(ConfigError, match=r"^environment: model\.n_ctx is 'many': Expected `int`"):
        load_settings(None, {"QWENAGENT_MODEL_N_CTX": "many"}, {})
    with pytest.raises(ConfigError, match=r"^environment: there is no setting model\.size"):
        load_settings(None, {"QWENAGENT_MODEL_SIZE": "7b"}, {})
    with pytest.raises(ConfigError, match=r"^command line: loop\.seed is -1"):
        load_settings(None, {}, {"loop.seed": -1})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[loop]\nseed = 1\n", "a repository may not set loop.seed"),
        ("[model]\nn_gpu_layers = 0\n", "a repository may not set model.n_gpu_layers"),
        ('[model]\nname = "/tmp/a.gguf"\n', "may not name a model by path"),
        ('[model]\nname = "..\\\\a"\n', "may not name a model by path"),
        ('[model]\nname = "evil.GGUF"\n', "may not name a model by path"),
    ],
)
def test_what_a_repository_may_not_set(tmp_path, text, message):
    theirs(tmp_path, text)
    with pytest.raises(ConfigError, match=message):
        load_settings(tmp_path, {}, {})


def test_a_repository_may_lower_a_cap_and_nan_lowers_none(tmp_path):
    path = theirs(tmp_path, "[escalate]\nrun_dollars = nan\nday_dollars = 0.5\n")
    told: list[str] = []
    found = load_settings(tmp_path, {}, {}, told.append).escalate
    assert (found.run_dollars, found.day_dollars) == (3.0, 0.5)
    assert told == [f"{path}: escalate.run_dollars = nan is more than your 3.0, which holds"]


def test_the_users_file(tmp_path, monkeypatch):
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "a home"))
    assert user_file() == tmp_path / "a home" / "config.toml"
    monkeypatch.delenv("QWENAGENT_HOME")
    assert (user_file().name, user_file().parent.name) == ("config.toml", "qwenagent")
