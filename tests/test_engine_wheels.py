"""Which GPU is seen, and the line that installs the build for it, over folders that stand for /."""

from __future__ import annotations

import platform
import shlex
from importlib import metadata
from pathlib import Path

import pytest

from qwenagent.engine import visible_gpu, wheel_command
from qwenagent.engine.wheels import cuda_kind, wheel_kind

NVIDIA, AMD, APPLE = "NVIDIA GPU", "AMD GPU", "Apple GPU"
OLD_LINE = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {}  Tue Feb 27 21:40:19 UTC 2024\n"
OPEN_LINE = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (dvs-builder)\n"
)


def driver(root: Path, version: str, line: str = OLD_LINE) -> Path:
    folder = root / "proc/driver/nvidia"
    (folder / "gpus/0000:01:00.0").mkdir(parents=True)
    gcc = "GCC version:  gcc version 13.2.0 (Ubuntu 13.2.0-23ubuntu4)\n"
    (folder / "version").write_text(line.format(version) + gcc, encoding="utf-8")
    return root


def nvidia_smi(root: Path, said: str, place: str = "usr/bin/nvidia-smi", code: int = 0) -> Path:
    program = root / place
    program.parent.mkdir(parents=True, exist_ok=True)
    text = f"#!/bin/sh\ncat <<'END'\n{said}\nEND\nexit {code}\n"
    program.write_text(text, encoding="utf-8")
    program.chmod(0o755)
    return root


def drm(root: Path, *vendors: str) -> Path:
    for n, vendor in enumerate(vendors):
        folder = root / f"sys/class/drm/card{n}/device"
        folder.mkdir(parents=True)
        (folder / "vendor").write_text(f"{vendor}\n", encoding="utf-8")
    return root


@pytest.mark.parametrize(
    ("version", "capabilities", "kind"),
    [
        ("610.43.02", [12.0], "cu132"),
        ("595.45.04", [8.9], "cu132"),
        ("590.44.01", [8.9], "cu130"),
        ("580.65.06", [7.5], "cu130"),
        ("580.65.06", [7.0], "cu125"),
        ("580.65.06", [6.1, 8.9], "cu125"),
        ("580.65.06", [], "cu125"),
        ("575.51.03", [12.0], "cu125"),
        ("555.42.02", [8.9], "cu125"),
        ("550.54.14", [9.0], "cu124"),
        ("550.40", [9.0], "cu123"),
        ("545.23.06", [8.6], "cu123"),
        ("535.183.01", [8.6], "cu122"),
        ("530.30.02", [8.6], "cu121"),
        ("525.60.13", [8.9], "cu118"),
        ("525.60.13", [9.0], "vulkan"),
        ("520.61.05", [6.0], "cu118"),
        ("470.256.02", [8.6], "vulkan"),
        ("580.65.06", [5.2], "vulkan"),
        ("", [8.6], "vulkan"),
        ("no version", [], "vulkan"),
    ],
)
def test_the_newest_cuda_that_driver_and_gpus_can_run(version, capabilities, kind):
    assert cuda_kind(version, capabilities) == kind


@pytest.mark.parametrize("line", [OLD_LINE, OPEN_LINE])
def test_the_driver_is_read_from_proc(tmp_path, line):
    assert wheel_kind(NVIDIA, driver(tmp_path, "550.54.14", line)) == "cu124"


def test_nvidia_smi_knows_the_capability_too(tmp_path):
    driver(tmp_path, "550.54.14")
    nvidia_smi(tmp_path, "595.58.03, 8.9\n595.58.03, 7.5")
    assert wheel_kind(NVIDIA, tmp_path) == "cu132"
    nvidia_smi(tmp_path, "595.58.03, 8.9\n595.58.03, 6.1")
    assert wheel_kind(NVIDIA, tmp_path) == "cu125"


def test_under_wsl_the_driver_is_windows(tmp_path):
    nvidia_smi(tmp_path, "580.88, 8.6", "usr/lib/wsl/lib/nvidia-smi")
    assert visible_gpu(tmp_path) == NVIDIA
    assert wheel_kind(NVIDIA, tmp_path) == "cu130"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 9),
        ("550.54.14, [N/A]", 0),
        ("", 0),
    ],
)
def test_a_driver_that_does_not_answer_is_read_from_proc(tmp_path, said, code):
    nvidia_smi(driver(tmp_path, "545.23.06"), said, code=code)
    assert wheel_kind(NVIDIA, tmp_path) == "cu123"


def test_rocm_where_it_is_installed_else_vulkan(tmp_path):
    assert wheel_kind(AMD, tmp_path) == "vulkan"
    version = tmp_path / "opt/rocm/.info/version"
    version.parent.mkdir(parents=True)
    version.write_text("7.2.0-43\n", encoding="utf-8")
    assert wheel_kind(AMD, tmp_path) == "rocm72"
    version.write_text("6.4.1-83\n", encoding="utf-8")
    assert wheel_kind(AMD, tmp_path) == "vulkan"


def test_others(tmp_path):
    assert wheel_kind(APPLE, tmp_path) == "metal"
    assert wheel_kind("", tmp_path) == "vulkan"


@pytest.mark.skipif(platform.system() == "Darwin", reason="has a GPU of its own")
def test_what_is_seen(tmp_path):
    assert visible_gpu(tmp_path) == ""
    assert visible_gpu(drm(tmp_path / "a", "0x8086")) == ""
    assert visible_gpu(drm(tmp_path / "b", "0x8086", "0x1002")) == AMD
    assert visible_gpu(drm(tmp_path / "c", "0x1002", "0x10de")) == NVIDIA
    assert visible_gpu(driver(tmp_path / "d", "550.54.14")) == NVIDIA


def test_the_line_names_the_wheels_and_the_version_that_is_installed(tmp_path):
    line = wheel_command(NVIDIA, driver(tmp_path, "550.54.14"), "x86_64")
    assert shlex.split(line) == [
        *("pip", "install", "--force-reinstall", "--no-deps", "--only-binary", ":all:"),
        *("--extra-index-url", "https://abetlen.github.io/llama-cpp-python/whl/cu124"),
        f"llama-cpp-python=={metadata.version('llama-cpp-python')}",
    ]
    assert "whl/metal llama" in wheel_command(APPLE, tmp_path, "arm64")


def test_where_there_are_no_wheels_it_is_built(tmp_path):
    line = wheel_command(NVIDIA, driver(tmp_path, "550.54.14"), "aarch64")
    assert line.startswith("CMAKE_ARGS=-DGGML_CUDA=on pip install --force-reinstall --no-deps ")
    assert " --no-binary llama-cpp-python llama-cpp-python==" in line
    assert wheel_command(AMD, tmp_path, "aarch64").startswith("CMAKE_ARGS=-DGGML_VULKAN=on pip ")
