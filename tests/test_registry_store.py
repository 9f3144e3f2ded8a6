from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from qwenagent.errors import ChecksumMismatch, ModelError, ModelNotFound, UnknownModel
from qwenagent.registry import (
    Card,
    home,
    installed,
    load_cards,
    local_file,
    models_dir,
    path_of,
    remove,
    verify,
)
from qwenagent.registry.store import locked
from tests.registry_standins import PAYLOAD, card_for, ship_tiny_card

WRONG = b"x" * len(PAYLOAD)


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("QWENAGENT_HOME", str(tmp_path / "a home"))


def put(card: Card, content: bytes) -> Path:
    path = path_of(card)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


@pytest.fixture
def tiny_card_shipped(tmp_path, monkeypatch):
    """A 0.5b card whose official file is PAYLOAD, as `load_cards` sees it."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    return load_cards()["0.5b"]


def test_the_home_is_where_the_user_says(tmp_path, monkeypatch):
    assert (home(), models_dir()) == (tmp_path / "a home", tmp_path / "a home" / "models")
    monkeypatch.setenv("QWENAGENT_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert home().name == "qwenagent"
    assert home().is_relative_to(tmp_path)


def test_asking_creates_nothing(tmp_path):
    assert installed(card_for()) is None
    assert list(tmp_path.iterdir()) == []


def test_only_the_official_bytes_count():
    card = card_for()
    path = put(card, PAYLOAD[:-1])
    assert installed(card) is None
    put(card, WRONG)
    assert installed(card) is None
    put(card, PAYLOAD)
    assert installed(card) == path


def test_the_file_is_read_once_and_again_when_it_changes():
    card = card_for()
    path = put(card, PAYLOAD)
    assert installed(card) == path
    before = path.stat()
    path.write_bytes(WRONG)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert installed(card) == path, "size and mtime are as they were, so nobody reads it"
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    assert installed(card) is None


def test_a_mark_is_for_one_digest_only():
    card = card_for()
    put(card, PAYLOAD)
    assert installed(card)
    assert installed(replace(card, sha256="0" * 64)) is None


@pytest.mark.parametrize("mark", ["", "{", "[1]", "\xff"])
def test_a_broken_mark_only_costs_hashing_again(mark):
    card = card_for()
    path = put(card, PAYLOAD)
    path.with_name(f"{path.name}.verified").write_text(mark, encoding="latin-1")
    assert installed(card) == path


def test_verify_reads_the_file_whatever_the_mark_says():
    card = card_for()
    with pytest.raises(ModelNotFound):
        verify(card)
    path = put(card, PAYLOAD)
    read: list[int] = []
    assert verify(card, read.append) == path
    assert read[-1] == len(PAYLOAD)
    before = path.stat()
    path.write_bytes(WRONG)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ChecksumMismatch) as caught:
        verify(card)
    assert card.sha256 in caught.value.message
    assert installed(card) is None


def test_remove_leaves_nothing_of_the_card():
    card = card_for()
    path = put(card, PAYLOAD)
    installed(card)
    path.with_name(f"{path.name}.part").write_bytes(b"12345")
    begun = path.with_name(f"{path.name}.wheels")
    begun.mkdir()
    (begun / "joined.part").write_bytes(b"123")
    other = path.with_name("other.gguf")
    other.write_bytes(b"")
    assert remove(card) > len(PAYLOAD) + 8
    assert list(models_dir().iterdir()) == [other]
    assert remove(card) == 0


def test_a_local_file_is_known_by_its_bytes_under_any_name(tmp_path, tiny_card_shipped):
    folder = tmp_path / "my models"
    folder.mkdir()
    path = folder / "größe 0,5.gguf"
    path.write_bytes(PAYLOAD)
    assert local_file(path) == tiny_card_shipped
    assert list(folder.iterdir()) == [path], "no marks in the user's folders"
    assert local_file(put(tiny_card_shipped, PAYLOAD)) == tiny_card_shipped


def test_a_local_file_with_the_right_size_and_wrong_bytes(tmp_path, tiny_card_shipped):
    path = tmp_path / "model.gguf"
    path.write_bytes(WRONG)
    with pytest.raises(ChecksumMismatch) as caught:
        local_file(path)
    assert str(caught.value) == (
        f"{path} is damaged: it has the 1,000,000 bytes of 0.5b, but SHA-256 "
        f"{hashlib.sha256(WRONG).hexdigest()} instead of {tiny_card_shipped.sha256}\n"
        "`qwenagent models pull 0.5b` fetches it"
    )


def test_a_truncated_local_file_is_recognised_by_its_name(tmp_path):
    path = tmp_path / load_cards()["7b"].file
    path.write_bytes(b"GGUF")
    with pytest.raises(ChecksumMismatch) as caught:
        local_file(path)
    assert str(caught.value) == (
        f"{path} is not the official 7b: it has 4 of 4,683,073,536 bytes "
        "(truncated: 4,683,073,532 are missing)\n`qwenagent models pull 7b` fetches it"
    )


def test_what_another_process_is_fetching_is_not_deleted():
    card = card_for()
    path = put(card, PAYLOAD)
    with locked(path, lambda: None), pytest.raises(ModelError, match="by another process"):
        remove(card)
    assert path.exists()
    assert remove(card) == len(PAYLOAD)


def test_other_local_files(tmp_path):
    stranger = tmp_path / "llama.gguf"
    stranger.write_bytes(b"GGUF")
    with pytest.raises(UnknownModel, match=r"\(4 bytes\) is none of the official") as caught:
        local_file(stranger)
    assert "491,400,064 (0.5b)" in caught.value.hint
    for missing in (tmp_path, tmp_path / "none.gguf", Path("~nobody-has-this-name/x.gguf")):
        with pytest.raises(ModelNotFound, match="there is no model file"):
            local_file(missing)
