"""What a run loads where memory is short: the settings, and the word about it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from qwenagent.cli.models import machine_now
from qwenagent.cli.wiring import load_settings_of
from qwenagent.config import ModelSettings, Settings
from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import KvType, find_card, need


def settings(n_ctx: int = 0, kv_type: KvType | Literal[""] = "") -> Settings:
    return Settings(model=ModelSettings(n_ctx=n_ctx, kv_type=kv_type, n_gpu_layers=0))


def context_for(share: float) -> int:
    """A context whose KV cache in f16 takes this share of what the weights leave free now."""
    card = find_card("0.5b")
    left = machine_now(settings()).model_bytes - need(card).weights - need(card).buffers
    return int(share * left) // card.kv_bytes_per_token


def test_what_is_set_is_loaded(tmp_path, capsys):
    load = load_settings_of(find_card("0.5b"), tmp_path, settings(2048, "q8_0"))
    assert (load.n_ctx, load.kv_type, load.n_gpu_layers) == (2048, "q8_0", 0)
    plain = load_settings_of(find_card("0.5b"), tmp_path, settings())
    assert (plain.n_ctx, plain.kv_type) == (8192, "f16")
    assert capsys.readouterr().err == ""


def test_a_quantised_cache_where_only_that_fits_is_told(capsys):
    n_ctx = context_for(1.35)
    load = load_settings_of(find_card("0.5b"), Path("model.gguf"), settings(n_ctx))
    assert (load.n_ctx, load.kv_type) == (n_ctx, "q8_0")
    told = capsys.readouterr().err
    assert told.startswith("warning: 0.5b needs ")
    assert told.endswith(" free; it runs with a KV cache in q8_0\n")


def test_what_does_not_fit_as_it_was_asked_for_is_refused():
    with pytest.raises(ModelLoadFailed, match=r"0\.5b needs .* are free") as caught:
        load_settings_of(find_card("0.5b"), Path("model.gguf"), settings(context_for(1.35), "f16"))
    assert 'model.kv_type = "q8_0" needs ' in str(caught.value)
