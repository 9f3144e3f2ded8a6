"""What there is to compute on."""

from __future__ import annotations

import os
import shlex
from importlib import metadata

import pytest

from qwenagent.engine import default_threads, gpu_memory, visible_gpu, wheel_command
from qwenagent.engine.device import devices, library, offload_available, offload_device


def test_no_more_threads_than_cores():
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert 1 <= default_threads() <= (usable or 1)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="cores cannot be given away here")
def test_cores_that_this_process_may_not_use_do_not_count():
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert default_threads() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize(
    ("gpu", "kind"),
    [
        ("NVIDIA GPU", "cu125"),
        ("Apple GPU", "metal"),
        ("AMD GPU", "vulkan"),
        ("Intel GPU", "vulkan"),
        ("", "vulkan"),
    ],
)
def test_the_line_that_installs_a_build_for_a_gpu(gpu, kind):
    words = shlex.split(wheel_command(gpu))
    assert words[:2] == ["pip", "install"]
    assert f"https://abetlen.github.io/llama-cpp-python/whl/{kind}" in words
    assert words[-1].startswith("llama-cpp-python==")


def test_the_line_names_the_version_that_is_installed():
    version = metadata.version("llama-cpp-python")
    assert wheel_command("NVIDIA GPU").endswith(f"'llama-cpp-python=={version}'")
    assert library() == f"llama-cpp-python {version}"


def test_llama_cpp_reports_its_devices():
    found = devices()
    assert any(not device.is_gpu for device in found)
    assert all(device.name and device.total_bytes >= 0 for device in found)
    gpus = [device for device in found if device.is_gpu]
    assert offload_available() is bool(gpus)
    assert offload_device() == (f"{gpus[0].name} ({gpus[0].description})" if gpus else "")
    if visible_gpu():
        assert gpu_memory() == max((gpu.free_bytes for gpu in gpus), default=0)
    else:
        assert gpu_memory() == 0
