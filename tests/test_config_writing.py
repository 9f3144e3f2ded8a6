"""Writing one setting into the user's file, which is theirs."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from qwenagent.config import load_settings, user_file, write_user_setting
from qwenagent.errors import ConfigError


def put(text: bytes) -> Path:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_bytes(text)
    return user_file()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b'[model]\nname = "7b"\n'),
        (b"[loop]\nseed=1", b'[loop]\nseed=1\n[model]\nname = "7b"\n'),
        (b'[model]\nname = "1.5b" # mine\n', b'[model]\nname = "7b" # mine\n'),
        (b"model.n_ctx = 9000\n", b'model.n_ctx = 9000\nmodel.name = "7b"\n'),
        (
            b"# top\r\n[model]\r\n# c\r\nn_ctx = 5000 # five\r\n\r\n[loop]\r\nseed=1\r\n",
            b'# top\r\n[model]\r\n# c\r\nn_ctx = 5000 # five\r\nname = "7b"\r\n\r\n[loop]\r\n'
            b"seed=1\r\n",
        ),
        ("# größe ✓\n".encode(), '# größe ✓\n\n[model]\nname = "7b"\n'.encode()),
    ],
)
def test_everything_else_stays_as_it_is(before, after):
    file = put(before)
    assert write_user_setting("model.name", "7b") == file
    assert file.read_bytes() == after
    assert load_settings(None, {}, {}).model.name == "7b"
    write_user_setting("model.name", None)
    assert load_settings(None, {}, {}).model.name == ""
    lines = {line.strip() for line in before.splitlines() if b"name" not in line}
    assert lines <= {line.strip() for line in file.read_bytes().splitlines()}


def test_a_file_is_made_with_its_folder():
    assert not user_file().exists()
    write_user_setting("model.n_ctx", 4096)
    assert load_settings(None, {}, {}).model.n_ctx == 4096
    assert [path.name for path in user_file().parent.iterdir()] == ["config.toml"]


def test_removing_what_is_not_there_makes_no_file():
    write_user_setting("model.name", None)
    assert not user_file().exists()


def test_mode_and_link_of_the_file_stay(tmp_path):
    real = tmp_path / "dotfiles.toml"
    real.write_text("# here\n", encoding="utf-8")
    real.chmod(0o600)
    user_file().parent.mkdir(parents=True)
    user_file().symlink_to(real)
    write_user_setting("model.name", "7b")
    assert user_file().is_symlink()
    assert real.read_text(encoding="utf-8").startswith("# here\n")
    assert stat.S_IMODE(real.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("before", "path", "value", "told"),
    [
        (b"[model\n", "model.name", "7b", "line 1"),
        (b"\xff", "model.name", "7b", "UTF-8"),
        (b"", "model.nam", "7b", "there is no setting model.nam"),
        (b"", "modell.name", "7b", "there is no setting modell.name"),
        (b"", "model.n_ctx", -1, "model.n_ctx is -1"),
        (b"", "tests.suggested", "pytest", "tests.suggested cannot be set there"),
        (b"", "escalate.also_local_only", "a", "also_local_only"),
    ],
)
def test_what_cannot_be_written_changes_nothing(before, path, value, told):
    file = put(before)
    with pytest.raises(ConfigError, match=told):
        write_user_setting(path, value)
    assert file.read_bytes() == before


def test_a_folder_in_the_way():
    user_file().parent.parent.mkdir(exist_ok=True)
    user_file().parent.write_text("a file", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be written"):
        write_user_setting("model.name", "7b")
