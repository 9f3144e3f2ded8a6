"""The guided start, in a real terminal, with a small hub on loopback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.registry import find_card
from tests.registry_standins import PAYLOAD, running_hub, ship_tiny_card
from tests.terminal_stage import Terminal, terminal_env

ENTER = "\r"


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    ship_tiny_card(tmp_path / "assets")
    return terminal_env(
        QWENAGENT_ASSETS=str(tmp_path / "assets"),
        QWENAGENT_HOME=str(tmp_path / "home"),
        XDG_STATE_HOME=str(tmp_path / "state"),
    )


def test_another_model_is_fetched_and_used(env, repo, tmp_path):
    (repo / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    with running_hub() as hub:
        endpoint = {"HF_ENDPOINT": hub.hub().endpoint}
        command = [sys.executable, "-m", "qwenagent", "setup"]
        with Terminal(command, columns=120, cwd=repo, env=env | endpoint) as terminal:
            terminal.waits_for("another model's name [y]:")
            assert terminal.lines()[0].startswith("This machine: ")
            assert " licence Apache-2.0" in "\n".join(terminal.lines())
            terminal.type("9b", ENTER)
            terminal.waits_for("no model is called '9b'; there are 0.5b, 1.5b, 3b, 7b, 14b, 32b")
            terminal.type("0.5b", ENTER)
            terminal.waits_for("Qwen2.5-Coder-0.5B-Instruct, 1 MB to fetch")
            terminal.waits_for("Fetch 0.5b?")
            terminal.type("y", ENTER)
            terminal.waits_for("Is that how this project is tested? [Y/n]:")
            assert "Tests: `python -m pytest" in "\n".join(terminal.lines())
            terminal.type("n", ENTER)
            terminal.waits_for("Name the command with --test-cmd")
            assert terminal.ends() == 0
    assert (tmp_path / "home" / "models" / find_card("0.5b").file).read_bytes() == PAYLOAD
    settings = (tmp_path / "home" / "config.toml").read_text(encoding="utf-8")
    assert settings == '[model]\nname = "0.5b"\n'


def test_nothing_is_fetched_unless_wanted(env, tmp_path):
    with running_hub() as hub:
        endpoint = {"HF_ENDPOINT": hub.hub().endpoint}
        command = [sys.executable, "-m", "qwenagent", "setup"]
        with Terminal(command, columns=120, cwd=tmp_path, env=env | endpoint) as terminal:
            terminal.waits_for("another model's name [y]:")
            terminal.type("n", ENTER)
            terminal.waits_for("Nothing is fetched.")
            assert terminal.ends() == 0
    assert not (tmp_path / "home" / "models").exists()


def test_a_first_session_begins_with_it(env, repo):
    with running_hub() as hub:
        endpoint = {"HF_ENDPOINT": hub.hub().endpoint}
        command = [sys.executable, "-m", "qwenagent"]
        with Terminal(command, columns=120, cwd=repo, env=env | endpoint) as terminal:
            terminal.waits_for("another model's name [y]:")
            terminal.type("n", ENTER)
            terminal.waits_for("Nothing is fetched.")
            assert terminal.ends() == 4


def test_without_a_terminal_nothing_is_asked(capsys):
    assert guarded(["setup"]) == 2
    assert capsys.readouterr().err.startswith("error: setup asks questions, and there is no term")
