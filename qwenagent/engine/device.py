"""What there is to compute on: cores, GPUs, and whether this build of llama.cpp can use them."""

from __future__ import annotations

import ctypes
import os
import platform
from dataclasses import dataclass
from pathlib import Path

_VENDORS = {"0x10de": "NVIDIA GPU", "0x1002": "AMD GPU"}
_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp reports."""

    name: str
    description: str
    is_gpu: bool
    free_bytes: int
    total_bytes: int


def default_threads() -> int:
    """Return the number of threads to decode with: the physical cores this process may use.

    Decoding waits for memory; more threads than cores spin against each other.
    """
    import psutil

    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    physical = psutil.cpu_count(logical=False) or usable or 1
    logical = psutil.cpu_count(logical=True) or physical
    # A virtual machine with few cores often calls its cores threads of one.
    cores = physical if physical * 2 <= logical and logical > 4 else logical
    return max(1, min(cores, usable or 1, _quota() or cores))


def _quota() -> int | None:
    """Return the CPU limit of this cgroup in whole cores, None if there is none."""
    try:
        limit, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="utf-8").split()[:2]
        return max(1, int(limit) // int(period))
    except (OSError, ValueError):
        return None


def devices() -> list[Device]:
    """Return the devices of the installed llama.cpp. Loads it: 0.2 s."""
    import llama_cpp.llama_cpp as lib

    ggml = lib._lib
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    for name in ("ggml_backend_dev_name", "ggml_backend_dev_description"):
        getattr(ggml, name).restype = ctypes.c_char_p
    return [_device(ggml, i) for i in range(ggml.ggml_backend_dev_count())]


def _device(ggml: ctypes.CDLL, index: int) -> Device:
    pointer = ctypes.c_void_p(ggml.ggml_backend_dev_get(ctypes.c_size_t(index)))
    free, total = ctypes.c_size_t(), ctypes.c_size_t()
    ggml.ggml_backend_dev_memory(pointer, ctypes.byref(free), ctypes.byref(total))
    return Device(
        name=ggml.ggml_backend_dev_name(pointer).decode(errors="replace"),
        description=ggml.ggml_backend_dev_description(pointer).decode(errors="replace"),
        is_gpu=ggml.ggml_backend_dev_type(pointer) in (1, 2),  # GPU, integrated GPU
        free_bytes=free.value,
        total_bytes=total.value,
    )


def offload_device() -> str:
    """Return the name of the GPU that llama.cpp would use, empty if it has none. Loads it."""
    return next((f"{d.name} ({d.description})" for d in devices() if d.is_gpu), "")


def offload_available() -> bool:
    """Return whether the installed llama.cpp can use a GPU of this machine. Loads it."""
    return bool(offload_device())


def gpu_memory() -> int:
    """Return the free bytes of the GPU that llama.cpp would use, 0 if it has none.

    Loads llama.cpp only where a GPU seems to be there.
    """
    if not visible_gpu():
        return 0
    return max((d.free_bytes for d in devices() if d.is_gpu), default=0)


def library() -> str:
    """Return the version of the binding, after loading it.

    Raises:
        ImportError, OSError, RuntimeError: it cannot be loaded.
    """
    import llama_cpp

    return f"llama-cpp-python {llama_cpp.__version__}"


def visible_gpu() -> str:
    """Return what GPU this machine seems to have, empty if none is seen. Loads nothing."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return "Apple GPU"
    if Path("/proc/driver/nvidia/gpus").is_dir() or Path("/usr/lib/wsl/lib/nvidia-smi").exists():
        return "NVIDIA GPU"
    for vendor in Path("/sys/class/drm").glob("card*/device/vendor"):
        try:
            if name := _VENDORS.get(vendor.read_text(encoding="utf-8").strip()):
                return name
        except OSError:
            continue
    return ""


def wheel_command(gpu: str) -> str:
    """Return the line that installs a prebuilt llama-cpp-python for a GPU."""
    kind = {"Apple GPU": "metal", "NVIDIA GPU": "cu125"}.get(gpu, "vulkan")
    return (
        "pip install --force-reinstall --no-deps --only-binary :all: "
        f"--extra-index-url {_WHEELS}/{kind} 'llama-cpp-python==0.3.36'"
    )
