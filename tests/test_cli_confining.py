"""The box that a run's commands go into: what flags and settings make of it, and consent."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from qwenagent.cli.confining import make_box
from qwenagent.config import SandboxSettings, Settings
from qwenagent.errors import ApprovalNeeded
from qwenagent.sandbox import Level, Sandbox
from qwenagent.transcript import state_dir
from tests.sandbox_stage import namespaces

FLAGS: dict[str, Any] = {"no_sandbox": False, "allow_network": False, "allow_loopback": False}
NONE_HERE = Sandbox.off("bubblewrap is not there: `apt install bubblewrap`")


@pytest.mark.parametrize(
    ("setting", "flag", "network"),
    [
        ("none", "", "none"),
        ("none", "allow_network", "all"),
        ("none", "allow_loopback", "loopback"),
        ("all", "", "all"),
    ],
)
def test_the_network_is_what_a_flag_or_the_users_settings_allow(tmp_path, setting, flag, network):
    settings = Settings(sandbox=SandboxSettings(network=setting, memory_mb=100, processes=9))
    flags = FLAGS | ({flag: True} if flag else {})
    box = make_box(tmp_path, settings, flags, namespaces())
    assert box.policy.network == network
    assert (box.policy.limits.memory_bytes, box.policy.limits.processes) == (100 << 20, 9)
    assert box.policy.tree == tmp_path.resolve()


def test_two_repositories_share_no_cache(tmp_path):
    found = namespaces()
    caches = set()
    for name in ("a", "b", "a"):
        (tmp_path / name).mkdir(exist_ok=True)
        caches.add(make_box(tmp_path / name, Settings(), FLAGS, found).policy.cache)
    assert len(caches) == 2


def test_off_has_to_be_spelled_out(tmp_path):
    flag = make_box(tmp_path, Settings(), FLAGS | {"no_sandbox": True}, namespaces())
    setting = make_box(tmp_path, Settings(sandbox=SandboxSettings(off=True)), FLAGS, namespaces())
    assert flag.sandbox.level is setting.sandbox.level is Level.NONE
    assert "--no-sandbox" in flag.told
    assert "sandbox.off" in setting.told


def test_row_04_without_a_sandbox_and_without_a_terminal_nothing_runs(tmp_path):
    (state_dir() / "no-sandbox").unlink(missing_ok=True)
    with pytest.raises(ApprovalNeeded, match="apt install bubblewrap") as caught:
        make_box(tmp_path, Settings(), FLAGS, NONE_HERE)
    assert "--no-sandbox" in caught.value.hint
    box = make_box(tmp_path, Settings(), FLAGS | {"no_sandbox": True}, NONE_HERE)
    assert box.sandbox.level is Level.NONE


def test_who_agreed_once_is_not_asked_again(tmp_path, capsys):
    state_dir().mkdir(parents=True)
    (state_dir() / "no-sandbox").write_text("yes\n", encoding="utf-8")
    assert make_box(tmp_path, Settings(), FLAGS, NONE_HERE).sandbox.level is Level.NONE
    assert "warning: no sandbox: bubblewrap is not there" in capsys.readouterr().err


def test_the_limits_hold_without_a_sandbox_too(tmp_path):
    settings = replace(Settings(), sandbox=SandboxSettings(processes=8))
    box = make_box(tmp_path, settings, FLAGS | {"no_sandbox": True}, NONE_HERE)
    assert box.policy.limits.processes == 8
