from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from qwenagent import assets, errors
from qwenagent.errors import AssetError, QwenAgentError

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def override(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine" / "prompts").mkdir(parents=True)
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "mine"))
    return tmp_path / "mine"


@pytest.mark.parametrize(
    ("kind", "suffix"), [("prompts", ".md"), ("grammars", ".gbnf"), ("models", ".toml")]
)
def test_every_asset_is_found_by_name(kind, suffix):
    expected = sorted(path.name for path in (CHECKOUT / kind).glob(f"*{suffix}"))
    assert assets.names(kind, suffix) == expected
    for name in expected:
        assert assets.read(kind, name) == (CHECKOUT / kind / name).read_text(encoding="utf-8")


def test_the_override_comes_first(override):
    (override / "prompts" / "system.md").write_text("mine ü", encoding="utf-8")
    (override / "prompts" / "extra.md").write_text("more", encoding="utf-8")
    assert assets.read("prompts", "system.md") == "mine ü"
    assert assets.read("prompts", "rewrite.md") == (CHECKOUT / "prompts/rewrite.md").read_text()
    assert {"extra.md", "system.md", "rewrite.md"} <= set(assets.names("prompts", ".md"))


def test_a_missing_asset_lists_the_places(override):
    with pytest.raises(AssetError) as raised:
        assets.read("grammars", "no.gbnf")
    places = [override / "grammars/no.gbnf", CHECKOUT / "grammars/no.gbnf"]
    looked = ", ".join(map(str, places))
    assert raised.value.message == f"grammars/no.gbnf not found; looked at {looked}"


def test_an_asset_that_is_not_utf8(override):
    (override / "prompts" / "system.md").write_bytes(b"ab\xff")
    with pytest.raises(AssetError, match=r"system\.md is not UTF-8 \(byte 2\)"):
        assets.read("prompts", "system.md")


def test_fill():
    text = '{{a}} {"path": {"x": 1}} {{b}}{{a}}'
    assert assets.fill(text, a="{{b}}", b="\\1") == '{{b}} {"path": {"x": 1}} \\1{{b}}'


@pytest.mark.parametrize("values", [{}, {"a": "1", "c": "2"}, {"c": "1"}])
def test_fill_is_strict(values):
    with pytest.raises(AssetError, match=r"prompt has the holes \['a'\], the program gives"):
        assets.fill("{{a}}", **values)


def every_error() -> list[type[QwenAgentError]]:
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    return [kind for kind in kinds if issubclass(kind, QwenAgentError)]


@pytest.mark.parametrize("kind", every_error())
def test_errors_cross_a_pipe(kind):
    sent = kind("8 of 9", hint="try less")
    got = pickle.loads(pickle.dumps(sent))
    assert (type(got), got.message, got.hint, str(got)) == (
        kind, "8 of 9", "try less", "8 of 9\ntry less",
    )  # fmt: skip
    assert kind.__name__ in (errors.__doc__ or "")


def test_every_prompt_and_grammar_is_used():
    code = "".join(
        path.read_text(encoding="utf-8") for path in (CHECKOUT / "qwenagent").rglob("*.py")
    )
    names = assets.names("prompts", ".md") + assets.names("grammars", ".gbnf")
    assert [name for name in names if f'"{name}"' not in code] == []
