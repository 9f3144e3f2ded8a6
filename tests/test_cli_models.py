"""The `models` commands: choosing, listing, deleting, carrying."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qwenagent.cli.boundary import guarded
from qwenagent.cli.models import find_model, machine_now, require_room
from qwenagent.config import ModelSettings, Settings, load_settings, user_file
from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import find_card, fits_markdown, installed, load_cards, path_of
from tests.registry_standins import PAYLOAD, ship_tiny_card


@pytest.fixture(autouse=True)
def tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The 0.5b is small here, and not installed."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "my model.gguf"
    path.write_bytes(PAYLOAD)
    return path


@pytest.fixture
def here(tiny_model: Path) -> Path:
    """The 0.5b is installed."""
    path = path_of(find_card("0.5b"))
    path.parent.mkdir(parents=True)
    path.write_bytes(PAYLOAD)
    return path


def says(capsys: pytest.CaptureFixture[str], *args: str) -> str:
    assert guarded(["models", *args]) == 0, capsys.readouterr().err
    return capsys.readouterr().out


def fails(capsys: pytest.CaptureFixture[str], code: int, *args: str) -> str:
    assert guarded(["models", *args]) == code, capsys.readouterr().err
    said = capsys.readouterr()
    assert said.out == ""
    return said.err


def chosen() -> str:
    return load_settings(None, os.environ, {}).model.name


# -- list, info, fit --------------------------------------------------------------------------


def test_models_are_listed_and_described(capsys):
    rows = says(capsys, "list").splitlines()
    assert rows[1].split() == ["name", "size", "memory", "fits", "now", "licence", "here"]
    assert [row.split()[0] for row in rows[2:8]] == ["0.5b", "1.5b", "3b", "7b", "14b", "32b"]
    assert rows[3].split()[1:5] == ["1.12", "GB", "1.95", "GB"]
    assert " of memory are free; " in rows[8]
    out = says(capsys, "info", "1.5b")
    assert "Qwen2.5-Coder-1.5B-Instruct" in out
    assert "no; `qwenagent models pull 1.5b` fetches it" in out


def test_the_list_says_what_is_in_use(here, capsys):
    def line() -> str:
        return next(row for row in says(capsys, "list").splitlines() if row.startswith("0.5b"))

    assert " installed " in line()
    says(capsys, "use", "0.5b")
    assert " in use " in line()


def test_the_table_of_what_fits(capsys):
    out = says(capsys, "fit")
    assert [row.split()[0] for row in out.splitlines()[1:7]] == list(load_cards())
    assert "Here, now: " in out
    assert says(capsys, "fit", "--markdown") == fits_markdown()


# -- use --------------------------------------------------------------------------------------


def test_a_model_is_chosen_by_any_of_its_names(here, capsys):
    user_file().write_text("# mine\n[loop]\nseed = 3 # three\n", encoding="utf-8")
    out = says(capsys, "use", "Qwen2.5-Coder-0.5B")
    assert out == f"{user_file()}: model.name = 0.5b\n"
    assert chosen() == "0.5b"
    assert find_model(load_settings(None, os.environ, {}))[1] == here
    assert user_file().read_text(encoding="utf-8").startswith("# mine\n[loop]\nseed = 3 # three\n")
    assert "no model is named; none of those here is picked" in says(capsys, "use", "--auto")
    assert chosen() == ""


def test_a_file_is_chosen_from_anywhere(tiny_model, tmp_path, capsys, monkeypatch):
    says(capsys, "use", "./my model.gguf")
    assert chosen() == str(tiny_model)
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    card, path = find_model(load_settings(None, os.environ, {}))
    assert (card.name, path) == ("0.5b", tiny_model)


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["0.5b"], 4, "is not on this machine\n  `qwenagent models pull 0.5b` fetches it"),
        (["9b"], 2, "no model is called '9b'"),
        (["./none.gguf"], 4, "there is no model file"),
        ([], 2, "give either a model's name or --auto"),
        (["0.5b", "--auto"], 2, "give either a model's name or --auto"),
    ],
)
def test_what_cannot_be_chosen_changes_nothing(args, code, told, capsys):
    assert told in fails(capsys, code, "use", *args)
    assert not user_file().exists()


def test_a_stronger_setting_is_told(here, capsys, monkeypatch):
    monkeypatch.setenv("QWENAGENT_MODEL_NAME", "7b")
    assert guarded(["models", "use", "0.5b"]) == 0
    assert "QWENAGENT_MODEL_NAME = 7b is stronger" in capsys.readouterr().err


def test_a_settings_file_that_is_wrong_is_left_alone(here, capsys):
    user_file().write_text("[model\n", encoding="utf-8")
    assert str(user_file()) in fails(capsys, 2, "use", "0.5b")
    assert user_file().read_text(encoding="utf-8") == "[model\n"


# -- rm, verify -------------------------------------------------------------------------------


def test_models_that_are_not_there(capsys):
    assert "qwenagent models pull" in fails(capsys, 4, "verify")
    assert "qwenagent models pull 1.5b" in fails(capsys, 4, "verify", "1.5b")
    assert "0 bytes freed" in says(capsys, "rm", "1.5b")


def test_a_file_that_is_not_the_official_one(here, capsys):
    here.write_bytes(b"GGUF")
    assert "is not the official file" in fails(capsys, 4, "verify", "0.5b")
    assert "is not on this machine" in fails(capsys, 4, "use", "0.5b")
    says(capsys, "rm", "0.5b")
    assert list(here.parent.iterdir()) == []


def test_the_one_in_use_is_not_deleted_by_mistake(here, capsys):
    says(capsys, "use", "0.5b")
    assert "`models use --auto` first, or `models rm 0.5b --force`" in fails(
        capsys, 2, "rm", "0.5b"
    )
    assert here.exists()
    assert "0.5b: 1 MB freed" in says(capsys, "rm", "0.5b", "--force")
    assert not here.exists()


# -- export, import ---------------------------------------------------------------------------


def test_a_model_goes_out_and_comes_in_again(here, tmp_path, capsys, monkeypatch):
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    (wheels / "qwenagent-0-py3-none-any.whl").write_bytes(b"")
    out = says(capsys, "export", "-o", "a bundle", "--wheels", str(wheels))
    assert out.startswith("a bundle: 0.5b and qwenagent ")
    assert out.endswith("a bundle/INSTALL.md says how to install it\n")
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "another home"))
    assert says(capsys, "import", "a bundle").startswith("ok   0.5b: linked, ")
    assert installed(find_card("0.5b"))


def test_a_file_comes_in(tiny_model, capsys):
    assert says(capsys, "import", str(tiny_model)).startswith("ok   0.5b: linked, ")
    assert says(capsys, "import", str(tiny_model)).startswith("ok   0.5b: was there, ")


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (["export", "-o", "new"], 4, "no model is installed"),
        (["export", "0.5b", "-o", "new"], 4, "`qwenagent models pull 0.5b` fetches it"),
        (["export", "9b", "-o", "new"], 2, "no model is called '9b'"),
        (["export", "0.5b"], 2, "missing option '-o'"),
        (["import", "none"], 4, "there is no file or folder"),
        (["import", "assets"], 4, "is no bundle"),
    ],
)
def test_what_cannot_be_carried(args, code, told, capsys):
    assert told in fails(capsys, code, *args)
    assert not Path("new").exists()


# -- memory -----------------------------------------------------------------------------------


def test_a_model_larger_than_memory_is_refused_with_its_sum():
    huge = Settings(model=ModelSettings(n_ctx=10**9, n_gpu_layers=0))
    with pytest.raises(ModelLoadFailed) as caught:
        require_room(find_card("1.5b"), huge)
    assert "KV cache for 1,000,000,000 tokens" in caught.value.message
    assert machine_now(huge).gpu_bytes == 0
