"""Settings as rules: who is asked, how much may go, what a repository may not widen."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from qwenagent.config import EscalateSettings, explain_settings, load_settings, user_file
from qwenagent.errors import ConfigError
from qwenagent.escalate import Amount, Limit, rules_of
from qwenagent.escalate.ledger import Spending
from qwenagent.escalate.local_only import HomeRules
from qwenagent.escalate.policy import Left, answer_tokens, left_of, room_of
from tests.escalate_stage import PRICE

OWN = {"base_url": "http://127.0.0.1:9/v1", "model": "m"}


def settings(model: Mapping[str, object] | None = None, **own: Any) -> EscalateSettings:
    table = OWN | ({"models": {"m": model}} if model else {})
    return EscalateSettings(providers={"shop": table}, **own)


@pytest.mark.parametrize(
    ("given", "shut"),
    [
        (EscalateSettings(), "no provider is set up: escalate.order names none"),
        (settings(policy="never"), 'escalate.policy is "never"'),
        (settings(at_home=True), "this repository stays at home (escalate.at_home): "
                                 "nothing of it is sent"),
        (settings(), ""),
    ],
)  # fmt: skip
def test_whether_anybody_may_be_asked(given, shut):
    rules = rules_of(given)
    assert (rules.shut, bool(rules.providers)) == (shut, not shut)
    assert rules_of(given, offline=True).shut == "--offline: nothing leaves this machine"


def test_the_order_is_as_set_and_else_that_of_the_tables():
    tables = {"b": OWN, "a": OWN}
    assert [p.name for p in rules_of(EscalateSettings(providers=tables)).providers] == ["b", "a"]
    chosen = EscalateSettings(order=("anthropic", "a", "a"), providers=tables)
    assert [p.name for p in rules_of(chosen).providers] == ["anthropic", "a"]
    with pytest.raises(ConfigError, match="no provider is called 'antropic'"):
        rules_of(EscalateSettings(order=("antropic",)))


def test_dollars_become_millionths_exactly():
    rules = rules_of(settings(run_dollars=0.29, run_tokens=7, day_dollars=0))
    assert rules.caps.run == Limit(290_000, 7)
    assert rules.caps.day.micro == 0


@pytest.mark.parametrize(
    ("model", "own", "most"),
    [
        (None, {}, 40_000),
        (None, {"payload_tokens": 9_000}, 9_000),
        ({"context_tokens": 10_000}, {}, 6_000),  # less 4,000 for the answer
        (None, {"request_tokens": 7_000}, 3_000),
        ({"price": PRICE}, {"request_dollars": 0.09}, 10_000),  # 0.06 for the answer
        ({"price": PRICE | {"up_to": 5_000}}, {}, 5_000),
        (None, {"request_tokens": 10}, 40_000),  # the cap itself says so
    ],
)
def test_how_long_a_request_may_be(model, own, most):
    rules = rules_of(settings(model, **own))
    room = room_of(rules, rules.providers[0], "advice")
    assert room.max_tokens == most
    assert room.count("x" * 100) - room.count("") == 100


def test_an_answer_is_no_longer_than_the_model_can_write():
    for model, n in (
        ({"output_tokens": 900}, 900),
        ({"context_tokens": 8_000}, 4_000),
        ({}, 12_000),
    ):
        [provider] = rules_of(settings(model or None)).providers
        assert answer_tokens(provider, "patch") == n


def test_what_is_left_of_the_caps():
    caps = rules_of(settings(step_dollars=1, step_tokens=100, day_dollars=2)).caps
    spending = Spending(Amount(400_000, 130), Amount(0, 0), Amount(2_500_000, 5))
    step, run, day = left_of(caps, spending)
    assert step == Left("step", 600_000, 0)
    assert (run.micro, day.micro) == (3_000_000, 0)


# -- a repository -------------------------------------------------------------------------------


def loaded(tmp_path: Path, users: str, theirs: str) -> tuple[EscalateSettings, list[str]]:
    user_file().parent.mkdir(parents=True, exist_ok=True)
    user_file().write_text(f"[escalate]\n{users}\n", encoding="utf-8")
    (tmp_path / ".qwenagent.toml").write_text(f"[escalate]\n{theirs}\n", encoding="utf-8")
    told: list[str] = []
    return load_settings(tmp_path, {}, {}, told.append).escalate, told


@pytest.mark.parametrize(
    ("users", "theirs", "name", "holds"),
    [
        ('policy = "auto"', 'policy = "never"', "policy", "never"),
        ('policy = "auto"', 'policy = "ask"', "policy", "ask"),
        ('policy = "never"', 'policy = "auto"', "policy", "never"),
        ("at_home = false", "at_home = true", "at_home", True),
        ("at_home = true", "at_home = false", "at_home", True),
        ("run_dollars = 2.0", "run_dollars = 9.0", "run_dollars", 2.0),
        ("run_dollars = 2.0", "run_dollars = 0.0", "run_dollars", 0.0),
        ("run_dollars = 0.0", "run_dollars = 1.0", "run_dollars", 0.0),
        ("", "payload_tokens = 90000", "payload_tokens", 40_000),
        ('local_only = ["a/"]', 'local_only = ["!a/", "b/"]', "local_only", ("a/",)),
        ('local_only = ["a/"]', 'local_only = ["!a/"]', "also_local_only", ("!a/",)),
    ],
)
def test_a_repository_only_tightens(tmp_path, users, theirs, name, holds):
    found, told = loaded(tmp_path, users, theirs)
    assert getattr(found, name) == holds
    is_list = name.endswith("local_only")
    [value] = tomllib.loads(theirs).values()
    assert bool(told) == (holds != value and not is_list)


@pytest.mark.parametrize(
    "theirs",
    ['order = ["x"]', '[escalate.providers.x]\nbase_url = "https://evil"', 'up_front = "patch"'],
)
def test_a_repository_names_nobody(tmp_path, theirs):
    with pytest.raises(ConfigError, match=r"a repository may not set escalate\."):
        loaded(tmp_path, "", theirs)


def test_patterns_of_a_repository_take_nothing_out_of_the_users(tmp_path):
    found, _ = loaded(tmp_path, 'local_only = ["a/"]', 'local_only = ["!a/"]')
    assert rules_of(found).home == HomeRules(False, (("a/",), ("!a/",)))


def test_every_setting_tells_where_it_comes_from(tmp_path):
    loaded(tmp_path, "run_dollars = 2.0\nstep_dollars = 3.0", "step_dollars = 1.0")
    environ = {"QWENAGENT_ESCALATE_DAY_DOLLARS": "4"}
    found = explain_settings(tmp_path, environ, {"escalate.run_tokens": 9})
    places = {one.path.removeprefix("escalate."): (one.value, one.place) for one in found}
    assert places["run_dollars"] == (2.0, str(user_file()))
    assert places["step_dollars"] == (1.0, str(tmp_path / ".qwenagent.toml"))
    assert places["day_dollars"] == (4.0, "environment")
    assert places["run_tokens"] == (9, "command line")
    assert places["policy"] == ("ask", "default")
