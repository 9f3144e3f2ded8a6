"""What there is to compute on, as llama.cpp tells it, and the head of a model file."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from qwenagent.engine import default_threads, devices, gpu_memory, offload_devices, visible_gpu
from qwenagent.engine.device import Device, library, offload_available
from qwenagent.engine.gguf import read_layers
from qwenagent.errors import ModelLoadFailed
from qwenagent.registry import find_card, layers_of


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


def test_the_library_has_the_version_that_is_installed():
    assert library() == f"llama-cpp-python {metadata.version('llama-cpp-python')}"


def test_llama_cpp_reports_its_devices():
    found = devices()
    assert any(device.kind == "CPU" for device in found)
    assert all(device.name and 0 <= device.free_bytes <= device.total_bytes for device in found)
    gpus = [device for device in found if device.is_gpu]
    assert offload_available() is bool(gpus)
    assert {gpu.name for gpu in offload_devices()} <= {gpu.name for gpu in gpus}
    if not visible_gpu():
        assert gpu_memory() == 0


@pytest.mark.parametrize(
    ("kind", "is_gpu"),
    [("CPU", False), ("GPU", True), ("integrated GPU", True), ("accelerator", False)],
)
def test_where_layers_can_go(kind, is_gpu):
    device = Device("Vulkan0", "Radeon 780M", kind, 1, 2)
    assert device.is_gpu is is_gpu
    assert str(device) == "Vulkan0 (Radeon 780M)"


@pytest.mark.model
def test_the_head_of_a_model_file_tells_its_layers(test_gguf):
    layers, card = read_layers(test_gguf), layers_of(find_card("0.5b"))
    assert (layers.count, layers.output) == (card.count, card.output)
    assert layers.kv_per_token == card.kv_per_token
    # The card knows the size of the file, which has a head of 6 MB besides the weights.
    assert 0 <= sum(card.blocks) - sum(layers.blocks) < 7_000_000
    assert set(layers.blocks) == {10_883_840, 9_717_248}  # some matrices are in Q6_K


@pytest.mark.parametrize(
    "content",
    [b"", b"GGUF", b"not a model", b"GGUF" + (3).to_bytes(4, "little") + bytes(16)],
    ids=["empty", "magic", "text", "nothing in it"],
)
def test_what_is_no_model(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "some model.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelLoadFailed, match="some model"):
        read_layers(path)
    with pytest.raises(ModelLoadFailed, match="none"):
        read_layers(tmp_path / "none.gguf")
