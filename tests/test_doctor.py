"""What doctor finds, on this machine and in real repositories."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from qwenagent import doctor
from qwenagent.cli.boundary import guarded
from qwenagent.doctor import Finding
from qwenagent.engine import Device, wheel_command
from qwenagent.registry import Fit, Machine, find_card, need, path_of, probe_cores
from tests.conftest import run_git
from tests.registry_standins import PAYLOAD, ship_tiny_card


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
    assert [name for name in findings if name not in ("WSL", "proxy")] == [
        *(
            "system",
            "git",
            "llama.cpp",
            "device",
            "GPU",
            "models",
            "disk",
            "sandbox",
            "sleep",
            "repository",
        ),
    ]
    assert findings["repository"] == Finding(
        None, "repository", f"{folder} is not in a git repository", "`git init`, then commit once"
    )
    home = Path(os.environ["QWENAGENT_HOME"])
    assert findings["models"] == Finding(
        False, "models", f"none in {home / 'models'}", "qwenagent models pull"
    )
    assert findings["git"].ok
    assert findings["llama.cpp"].ok
    assert f" threads ({probe_cores()})" in findings["llama.cpp"].detail
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
        None,
        "tests",
        "no test command was found: there is no project file, and no test file was found; name "
        "one (--test-cmd)",
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


# -- memory -----------------------------------------------------------------------------------


@pytest.fixture
def tiny_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A 0.5b that is small here and installed, and chosen."""
    ship_tiny_card(tmp_path / "assets")
    monkeypatch.setenv("QWENAGENT_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("QWENAGENT_MODEL_NAME", "0.5b")
    path = path_of(find_card("0.5b"))
    path.parent.mkdir(parents=True)
    path.write_bytes(PAYLOAD)
    return path


def test_memory_is_compared_with_what_the_model_needs(repo, tiny_model, monkeypatch):
    finding = found(repo)["memory"]
    assert finding.ok
    assert finding.detail.endswith(
        " free, 702 MB (1 MB weights + 101 MB KV cache for 8,192 tokens + 600 MB buffers) for 0.5b"
    )
    monkeypatch.setenv("QWENAGENT_MODEL_N_CTX", "1000000000")
    finding = found(repo)["memory"]
    assert finding.ok is False
    assert finding.detail.startswith("0.5b needs 12288.60 GB (1 MB weights + 12288.00 GB KV cache")
    assert "model.n_ctx = 32768 needs" in finding.hint


def test_memory_for_less_than_the_card_says_is_a_warning():
    card = find_card("1.5b")
    less = Fit(need(card, 5120, "q8_0"), "1.5b needs more; it runs with a context of 5,120 tokens")
    assert doctor._fit(card, less, Machine(1, 0, 1)) == Finding(
        None, "memory", less.notice, "close programs, or name a smaller model"
    )


# -- devices ----------------------------------------------------------------------------------

GIB = 2**30


def test_a_device_with_its_memory():
    gpu = Device("CUDA0", "NVIDIA RTX 4060", "GPU", 7_000_000_000, 8_000_000_000)
    assert doctor._device(gpu) == Finding(
        True, "device", "CUDA0 (NVIDIA RTX 4060), GPU: 7.00 GB of 8.00 GB free"
    )
    blas = Device("BLAS", "Accelerate", "accelerator", 0, 0)
    assert doctor._device(blas).detail == "BLAS (Accelerate), accelerator: no memory of its own"


@pytest.mark.parametrize(
    ("free_gib", "setting", "ok", "told"),
    [
        (8, -1, True, "29 of 29 layers"),
        (4, -1, None, "15 of 29 layers"),
        (1, -1, None, "0 of 29 layers"),
        (8, 99, True, "29 of 29 layers"),
        (8, 10, None, "10 of 29 layers"),
        (4, 20, None, "20 of 29 layers"),
    ],
)
def test_the_layers_that_a_run_puts_on_the_gpu(free_gib, setting, ok, told):
    card = find_card("7b")
    gpu = Device("CUDA0", "some GPU", "GPU", free_gib * GIB, 24 * GIB)
    finding = doctor._layers(card, Fit(need(card)), setting, [gpu])
    assert (finding.ok, finding.name) == (ok, "layers")
    assert finding.detail.startswith(
        f"{told} of 7b on the GPU with a context of 16,384 tokens, KV cache in f16"
    )
    assert bool(finding.hint) is (ok is None)
    assert finding.detail.endswith("; 15 fit") is (setting == 20)


def test_a_llama_cpp_that_does_not_load_is_told_with_the_version_that_does(tmp_path):
    """In a process of its own, with a package of the same name that is broken in its place."""
    broken = tmp_path / "llama_cpp"
    broken.mkdir()
    (broken / "__init__.py").write_text("raise OSError('libcudart.so.12: cannot open')\n")
    script = (
        "from qwenagent.doctor import examine; from pathlib import Path\n"
        "[print(repr(f)) for f in examine(Path.cwd()) if f.name in ('llama.cpp', 'device')]\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    [wanted] = [w for w in metadata.requires("qwenagent") or [] if w.startswith("llama-cpp")]
    hint = f"pip install --force-reinstall --no-cache-dir '{wanted}'"
    expected = Finding(False, "llama.cpp", "cannot be loaded: libcudart.so.12: cannot open", hint)
    assert done.stdout.decode() == f"{expected!r}\n"


# -- the store --------------------------------------------------------------------------------


def test_a_chosen_model_that_is_not_here(repo, monkeypatch):
    monkeypatch.setenv("QWENAGENT_MODEL_NAME", "7b")
    assert found(repo)["model"] == Finding(
        False,
        "model",
        "Qwen2.5-Coder-7B-Instruct is not on this machine",
        "`qwenagent models pull 7b` fetches it",
    )


def test_the_disk_of_the_store(repo):
    finding = found(repo)["disk"]
    home = Path(os.environ["QWENAGENT_HOME"])
    assert finding.detail.partition(";")[0].endswith(f" free for models in {home / 'models'}")


def test_whether_sleep_can_be_kept_off(repo, tmp_path, monkeypatch):
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(shutil.which("git") or "")
    monkeypatch.setenv("PATH", str(programs))
    assert found(repo)["sleep"] == Finding(
        None,
        "sleep",
        "nothing here can keep the machine awake during a run",
        "for runs overnight switch its sleep off in the system's settings",
    )
    name = "caffeinate" if sys.platform == "darwin" else "systemd-inhibit"
    (programs / name).write_text("#!/bin/sh\nexec /bin/cat\n", encoding="utf-8")
    (programs / name).chmod(0o755)
    assert found(repo)["sleep"] == Finding(
        True, "sleep", f"{name} keeps the machine awake during a run"
    )


def test_a_proxy_is_named_without_its_password(repo, monkeypatch):
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HF_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy.example:3128")
    assert found(repo)["proxy"] == Finding(
        True, "proxy", "models are fetched through http://proxy.example:3128 (HTTPS_PROXY)"
    )
    monkeypatch.setenv("NO_PROXY", "huggingface.co")
    assert "proxy" not in found(repo)


# -- WSL --------------------------------------------------------------------------------------

MOUNTS = r"""rootfs / wslfs rw 0 0
/dev/sdc / ext4 rw,relatime 0 0
C:\134 /mnt/c 9p rw,noatime,aname=drvfs;path=C:\;uid=1000 0 0
D:\134 /mnt/my\040disk 9p rw,noatime 0 0
tmpfs /mnt/c/fast tmpfs rw 0 0
"""
WSL2 = "5.15.167.4-microsoft-standard-WSL2\n"


@pytest.mark.parametrize(
    ("kernel", "folder", "expected"),
    [
        ("6.8.0-45-generic\n", "/mnt/c/x", []),
        (WSL2, "/home/me/x", [(True, "version 2, and this folder is in its own file system")]),
        (WSL2, "/mnt/c/Users/me/x", [(None, "/mnt/c/Users/me/x is on a Windows drive")]),
        (WSL2, "/mnt/my disk/x", [(None, "/mnt/my disk/x is on a Windows drive")]),
        (WSL2, "/mnt/cd", [(True, "version 2, and this folder is in its own file system")]),
        (WSL2, "/mnt/c/fast", [(True, "version 2, and this folder is in its own file system")]),
        (
            "4.4.0-19041-Microsoft\n",
            "/home/me",
            [(None, "4.4.0-19041-Microsoft seems to be WSL 1")],
        ),
    ],
)
def test_what_wsl_minds(tmp_path, kernel, folder, expected):
    (tmp_path / "kernel").write_text(kernel, encoding="utf-8")
    (tmp_path / "mounts").write_text(MOUNTS, encoding="utf-8")
    findings = list(doctor._wsl(Path(folder), tmp_path / "kernel", tmp_path / "mounts"))
    assert [(finding.ok, finding.detail) for finding in findings] == expected
    assert all(finding.hint for finding in findings if not finding.ok)


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
