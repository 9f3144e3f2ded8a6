import os
import sys

import pytest

from qwenagent.checks import TestRunner, parse_command
from qwenagent.checks.plugins import unused_plugins
from tests.conftest import run_git

WORD = "hypothesis"
LEFT_OUT = ("-p", f"no:{WORD}pytest", "-p", "no:anyio")
ENV = {"PATH": os.environ["PATH"]}


def test_what_a_repository_does_not_mention_is_left_out(repo):
    assert unused_plugins(repo, ENV) == LEFT_OUT


@pytest.mark.parametrize("path", ["tests/test_new.py", "pyproject.toml", "tox.ini"])
def test_what_it_mentions_stays(repo, path):
    (repo / path).parent.mkdir(exist_ok=True)
    (repo / path).write_text(f"# {WORD}\n", encoding="utf-8")
    assert unused_plugins(repo, ENV) == LEFT_OUT[2:]


def test_what_an_ignored_environment_holds_is_no_mention(repo):
    (repo / ".gitignore").write_text("venv/\n", encoding="utf-8")
    (repo / "venv").mkdir()
    (repo / "venv" / "a.py").write_text("import anyio\n", encoding="utf-8")
    assert unused_plugins(repo, ENV) == LEFT_OUT


def test_options_from_the_environment_are_a_mention(repo):
    env = {**ENV, "PYTEST_ADDOPTS": f"--{WORD}-show-statistics"}
    assert unused_plugins(repo, env) == LEFT_OUT[2:]


def test_without_a_repository_nothing_is_left_out(tmp_path):
    (tmp_path / "bare").mkdir()
    assert unused_plugins(tmp_path / "bare", ENV) == ()


def test_looking_starts_no_program_of_the_repository(repo):
    # Fails with a plain `git grep` in the environment of the tests, whose PATH has this folder.
    tools = repo / "node_modules" / ".bin"
    tools.mkdir(parents=True)
    mark = repo.parent / "pwned"
    for name in ("git", "watch"):
        (tools / name).write_text(f"#!/bin/sh\ntouch '{mark}'\nexit 1\n", encoding="utf-8")
        (tools / name).chmod(0o755)
    run_git(repo, "config", "core.fsmonitor", str(tools / "watch"))
    unused_plugins(repo, {"PATH": f"{tools}{os.pathsep}{ENV['PATH']}"})
    assert not mark.exists()


@pytest.mark.parametrize("uses", [False, True])
def test_pytest_runs_without_what_is_not_used(repo, uses):
    word = f'"{WORD}pytest"' if uses else '"hypo" + "thesispytest"'
    (repo / "test_plugins.py").write_text(
        "def test_it(request):\n"
        f"    is_there = request.config.pluginmanager.hasplugin({word})\n"
        f"    assert is_there is {uses}\n",
        encoding="utf-8",
    )
    command = parse_command(f"'{sys.executable}' -m pytest -q test_plugins.py", "flag")
    run = TestRunner(repo, ENV).run(command, timeout_s=60)
    assert run.statuses == {"test_plugins.py::test_it": "passed"}, run.output
