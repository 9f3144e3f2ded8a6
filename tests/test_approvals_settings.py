"""What a hostile repository sets gets no further than a question: attack class 1 of the list."""

from __future__ import annotations

import os
from dataclasses import fields, replace

import pytest

from qwenagent.checks import parse_command
from qwenagent.config import REPOSITORY, AtMost, Lower, Settings, load_settings, user_file
from qwenagent.errors import ApprovalNeeded, ConfigError
from qwenagent.protocol.events import ApprovalAsked, TestsStarted
from qwenagent.ui import NobodyApprover, RememberingApprover
from tests import approvals_stage
from tests.approvals_stage import Always, answered
from tests.loop_stage import Stage, body

# Fixtures, by the names that they have here.
small, store = approvals_stage.small, approvals_stage.store
still, root = approvals_stage.still, approvals_stage.root


def test_row_01_every_setting_has_a_rule_for_repositories():
    sections = {item.name: getattr(Settings(), item.name) for item in fields(Settings)}
    known = {f"{name}.{item.name}" for name, of in sections.items() for item in fields(of)}
    undecided = known - set(REPOSITORY)
    assert undecided == set(), "decide in config.REPOSITORY what a repository may do with these"
    assert set(REPOSITORY) - known == set()
    decided = {key: rule for key, rule in REPOSITORY.items() if rule != "never"}
    assert decided == {
        "model.name": "model",
        "model.n_ctx": AtMost(zero=32_768),
        "model.prompt_cache_mb": AtMost(),
        "loop.repairs": AtMost(),
        "loop.resamples": AtMost(),
        "loop.candidates": AtMost(zero=32),
        "loop.doubts": AtMost(),
        "loop.format": "off",
        "tests.command": "proposal",
        "tests.timeout_s": AtMost(zero=1800),
        "escalate.policy": Lower(("never", "ask", "auto")),
        "escalate.local_only": "more",
        "escalate.at_home": "on",
        **{
            f"escalate.{scope}_{unit}": AtMost()
            for scope in ("request", "step", "run", "day")
            for unit in ("dollars", "tokens")
        },
        "escalate.payload_tokens": AtMost(),
    }


@pytest.mark.parametrize("key", [key for key, rule in REPOSITORY.items() if rule == "never"])
def test_row_01_what_is_not_for_a_repository_ends_the_run(key, tmp_path):
    section, _, name = key.partition(".")
    (tmp_path / ".qwenagent.toml").write_text(f'[{section}]\n{name} = "x"\n')
    with pytest.raises(ConfigError, match=rf"a repository may not set {key}\n"):
        load_settings(tmp_path, {}, {})


@pytest.mark.parametrize(
    ("users", "theirs", "holds"),
    [
        ("repairs = 1", "repairs = 2", 1),
        ("repairs = 2", "repairs = 1", 1),
        ("repairs = 2", "repairs = 0", 0),
        ("repairs = 0", "repairs = 20", 0),
    ],
)
def test_row_01_a_repository_only_makes_things_stricter(users, theirs, holds, tmp_path):
    user_file().parent.mkdir(parents=True)
    user_file().write_text(f"[loop]\n{users}\n")
    (tmp_path / ".qwenagent.toml").write_text(f"[loop]\n{theirs}\nrepare = 3\n[new]\nx = 1\n")
    told: list[str] = []
    assert load_settings(tmp_path, {}, {}, told.append).loop.repairs == holds
    place = f"{tmp_path / '.qwenagent.toml'}: "
    unknown = [f"{place}there is no setting {k}; it is left out" for k in ("loop.repare", "new.x")]
    n = theirs[-2:].strip()
    more = [] if holds == int(n) else [f"{place}loop.repairs = {n} is more than your {holds}, "]
    assert [*(t.removesuffix("which holds") for t in told)] == [*more, *unknown]


@pytest.mark.parametrize(
    ("users", "theirs", "holds", "n_told"),
    [
        (True, False, False, 0),
        (True, True, True, 0),
        (False, True, False, 1),
        (False, False, False, 0),
    ],
)
def test_row_01_a_repository_only_switches_formatting_off(users, theirs, holds, n_told, tmp_path):
    user_file().parent.mkdir(parents=True)
    user_file().write_text(f"[loop]\nformat = {str(users).lower()}\n")
    settings = tmp_path / ".qwenagent.toml"
    settings.write_text(f"[loop]\nformat = {str(theirs).lower()}\n")
    told: list[str] = []
    assert load_settings(tmp_path, {}, {}, told.append).loop.format is holds
    assert told == [f"{settings}: loop.format is switched off by you, which holds"] * n_told
    settings.write_text("[loop]\nformat = 1\n")
    with pytest.raises(ConfigError, match=r"loop\.format is 1"):
        load_settings(tmp_path, {}, {})


@pytest.mark.parametrize(
    ("users", "theirs", "holds"),
    [(0, 4096, 4096), (0, 40_000, 0), (8192, 0, 8192), (8192, 9000, 8192), (8192, 1024, 1024)],
)
def test_row_01_zero_stands_for_a_number(users, theirs, holds, tmp_path):
    user_file().parent.mkdir(parents=True)
    user_file().write_text(f"[model]\nn_ctx = {users}\n")
    (tmp_path / ".qwenagent.toml").write_text(f"[model]\nn_ctx = {theirs}\n")
    assert load_settings(tmp_path, {}, {}).model.n_ctx == holds


def test_row_01_a_repositorys_file_that_is_no_file(tmp_path):
    settings = tmp_path / ".qwenagent.toml"
    settings.symlink_to("/dev/zero")
    with pytest.raises(ConfigError, match="is not a plain file"):
        load_settings(tmp_path, {}, {})
    settings.unlink()
    settings.write_text("#" * 100_001)
    with pytest.raises(ConfigError, match="has 100001 bytes"):
        load_settings(tmp_path, {}, {})


def test_row_01_a_repositorys_command_is_a_proposal(root, store):
    settings = root / ".qwenagent.toml"
    settings.write_text('[tests]\ncommand = "touch pwned"\n')
    loaded = load_settings(root, {}, {})
    assert (loaded.tests.command, loaded.tests.suggested) == ("", "touch pwned")
    headless = RememberingApprover(NobodyApprover(), store)
    stage = Stage(root, approver=headless, settings=loaded)
    with pytest.raises(ApprovalNeeded):
        stage.run_plan("- [ ] Change `a.py`.\n")
    assert (stage.finished.exit_code, stage.events(TestsStarted)) == (5, [])
    assert not (root / "pwned").exists()
    [request] = stage.events(ApprovalAsked)
    assert request.items == ("touch pwned",)
    assert request.notes == ("proposed by the repository's .qwenagent.toml",)

    suite = parse_command("touch pwned", "repository")
    assert answered(root, RememberingApprover(Always(), store), suite=suite) == "user"
    assert answered(root, headless, suite=suite) == "remembered"
    settings.write_text('[tests]\ncommand = "touch pwned"\n[loop]\nrepairs = 0\n')
    assert answered(root, headless, suite=suite) == "nobody"


def test_row_01_the_users_command_outranks_the_repositorys(tmp_path):
    (tmp_path / ".qwenagent.toml").write_text('[tests]\ncommand = "touch pwned"\n')
    user_file().parent.mkdir(parents=True)
    user_file().write_text('[tests]\ncommand = "make check"\n')
    assert load_settings(tmp_path, {}, {}).tests.command == "make check"


@pytest.mark.parametrize("key", ["commands.ask", "commands.allow"])
def test_row_01_only_the_users_file_gives_the_model_commands(key):
    variable = f"QWENAGENT_{key.upper().replace('.', '_')}"
    with pytest.raises(ConfigError, match=f"environment: {key} cannot be set there"):
        load_settings(None, {variable: "true"}, {})


def test_row_01_a_proposal_comes_from_a_repository_only():
    with pytest.raises(ConfigError, match=r"tests\.suggested cannot be set there"):
        load_settings(None, {"QWENAGENT_TESTS_SUGGESTED": "touch pwned"}, {})


def test_row_01_a_repositorys_formatter_waits_for_a_yes(root, store, monkeypatch):
    folder = root.parent / "bin"
    folder.mkdir()
    (folder / "gofmt").write_text("#!/bin/sh\ntouch pwned\n")
    (folder / "gofmt").chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), os.environ["PATH"]]))
    (root / "go.mod").write_text("module a\n")
    settings = replace(Settings(), tests=replace(Settings().tests, command="true"))
    headless = RememberingApprover(NobodyApprover(), store)
    new = body("package a\n")
    stage = Stage(root, [new], approver=headless, settings=settings)
    assert stage.run_task("Create `new.go`.") == 0
    assert not (root / "pwned").exists()
    [request] = stage.events(ApprovalAsked)
    assert request.items == ("gofmt -w",)
