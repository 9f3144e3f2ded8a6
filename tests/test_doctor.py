"""What doctor finds, on this machine and in real repositories."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from qwenagent import doctor
from qwenagent.cli.boundary import guarded
from qwenagent.doctor import Finding
from qwenagent.engine import wheel_command
from tests.conftest import run_git


def found(folder: Path) -> dict[str, Finding]:
    return {finding.name: finding for finding in doctor.examine(folder)}


@pytest.fixture
def plain_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No virtual environment of the shell and no repository above."""
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))


@pytest.mark.usefixtures("plain_machine")
def test_a_folder_without_a_repository_is_a_warning(tmp_path):
    folder = tmp_path / "here"
    folder.mkdir()
    findings = found(folder)
    assert list(findings) == ["system", "git", "llama.cpp", "GPU", "models", "repository"]
    assert findings["repository"] == Finding(
        None, "repository", f"{folder} is not in a git repository", "`git init`, then commit once"
    )
    home = Path(os.environ["QWENAGENT_HOME"])
    assert findings["models"] == Finding(
        False, "models", f"none in {home / 'models'}", "qwenagent models pull"
    )
    assert findings["git"].ok
    assert findings["llama.cpp"].ok
    assert "threads" in findings["llama.cpp"].detail
    assert not home.exists()  # looking changes nothing


@pytest.mark.usefixtures("plain_machine")
def test_a_repository_without_a_commit(tmp_path):
    run_git(tmp_path, "init", "-q")
    finding = found(tmp_path)["repository"]
    assert finding.ok is None
    assert finding.detail == f"{tmp_path} has no commit yet"


def test_a_repository_without_tests(repo):
    findings = found(repo)
    head = run_git(repo, "rev-parse", "HEAD")[:12]
    assert findings["repository"] == Finding(True, "repository", f"{repo} at {head}")
    assert findings["tests"] == Finding(
        None, "tests", "no test command was found", "give one with --test-cmd"
    )


@pytest.mark.usefixtures("plain_machine")
def test_a_repository_with_tests(repo):
    (repo / "tests").mkdir()
    (repo / "tests" / "__init__.py").write_text("")
    (repo / "tests" / "test_store.py").write_text("import unittest\n")
    run_git(repo, "add", ".")
    finding = found(repo / "pkg")["tests"]
    assert finding.ok
    assert finding.detail.startswith("`python")
    assert " with /" in finding.detail
    assert finding.hint == ""


def test_settings_that_every_run_would_refuse(repo):
    (repo / ".qwenagent.toml").write_text("[loop]\nrepairs = -1\n")
    finding = found(repo)["settings"]
    assert finding.ok is False
    assert "loop.repairs is -1" in finding.detail
    user = Path(os.environ["QWENAGENT_HOME"]) / "config.toml"
    user.parent.mkdir()
    user.write_text("oops")
    assert str(user) in found(repo)["settings"].detail


@pytest.mark.parametrize("gpu", ["NVIDIA GPU", "AMD GPU", "Apple GPU"])
def test_an_idle_gpu_is_a_warning_with_the_line_that_ends_it(gpu):
    assert doctor._gpu(gpu, usable=False) == Finding(
        None, "GPU", f"the {gpu} sits idle: this build uses the CPU only", wheel_command(gpu)
    )
    assert doctor._gpu(gpu, usable=True).ok is True


def test_no_gpu_is_fine():
    assert doctor._gpu("", usable=False) == Finding(True, "GPU", "none seen; the CPU does the work")


def test_a_git_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = found(tmp_path)["git"]
    assert finding == Finding(False, "git", "not found", "install git 2.31 or newer")


@pytest.mark.skipif(sys.platform not in ("linux", "darwin"), reason="another finding there")
def test_the_exit_code_is_4_only_for_what_a_run_cannot_do_without(repo, monkeypatch, capsys):
    findings = list(doctor.examine(repo))
    hard = [finding.name for finding in findings if finding.ok is False]
    assert hard == ["models"]
    assert guarded(["doctor", "-C", str(repo)]) == 4
    said = capsys.readouterr()
    assert "bad  models: none in" in said.out
    assert "warn tests: no test command was found" in said.out
    assert said.err == ""
