"""Which GPU this machine seems to have, and the build of llama-cpp-python that would use it.

Looks at files and at the driver's own program; loads no llama.cpp.
"""

from __future__ import annotations

import platform
import re
import shlex
import subprocess
from collections.abc import Iterable
from pathlib import Path

NVIDIA, AMD, APPLE = "NVIDIA GPU", "AMD GPU", "Apple GPU"
_VENDORS = {"0x10de": NVIDIA, "0x1002": AMD}
_PACKAGE = "llama-cpp-python"
_WHEELS = "https://abetlen.github.io/llama-cpp-python/whl"
_ROOT = Path("/")
_WSL_SMI = "usr/lib/wsl/lib/nvidia-smi"

_CUDA_BY_DRIVER = (
    ((595, 45), "cu132"),
    ((580, 65), "cu130"),
    ((555, 42), "cu125"),
    ((550, 54), "cu124"),
    ((545, 23), "cu123"),
    ((535, 54), "cu122"),
    ((530, 30), "cu121"),
    ((520, 61), "cu118"),
)
"""The first driver for each CUDA version, by NVIDIA's release notes; newest first."""
_CAPABILITIES = {"cu118": (6.0, 8.9), "cu12": (6.0, 99.0), "cu13": (7.5, 99.0)}
"""The compute capabilities that a wheel has code for, by llama-cpp-python's README."""
_CAUTIOUS = 6.0
"""What is assumed of a card that does not tell: CUDA 12 serves it, whichever it is."""


def visible_gpu(root: Path = _ROOT) -> str:
    """Return what GPU this machine seems to have, empty if none is seen. Loads nothing."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return APPLE
    if (root / "proc/driver/nvidia/gpus").is_dir() or (root / _WSL_SMI).exists():
        return NVIDIA
    found = {_VENDORS.get(_read(path)) for path in root.glob("sys/class/drm/card*/device/vendor")}
    return next((name for name in (NVIDIA, AMD) if name in found), "")


def wheel_command(gpu: str, root: Path = _ROOT, machine: str = "") -> str:
    """Return the line that installs a llama-cpp-python of the present version for a GPU.

    `root` has the /proc, /usr and /opt of the machine below it, `machine` is its architecture.
    """
    from importlib import metadata  # 40 ms that no run needs

    kind = wheel_kind(gpu, root)
    pinned = f"{_PACKAGE}=={metadata.version(_PACKAGE)}"
    if kind != "metal" and (machine or platform.machine()) != "x86_64":
        # There are wheels for a GPU only for x86_64 and for Apple's chips.
        option = "GGML_CUDA" if kind.startswith("cu") else "GGML_VULKAN"
        words = ["pip", "install", "--force-reinstall", "--no-deps", "--no-binary", _PACKAGE]
        return f"CMAKE_ARGS=-D{option}=on {shlex.join([*words, pinned])}"
    words = ["pip", "install", "--force-reinstall", "--no-deps", "--only-binary", ":all:"]
    return shlex.join([*words, "--extra-index-url", f"{_WHEELS}/{kind}", pinned])


def wheel_kind(gpu: str, root: Path = _ROOT) -> str:
    """Return the name of the wheels for a GPU; Vulkan serves what has no better one."""
    if gpu == APPLE:
        return "metal"
    if gpu == NVIDIA:
        return cuda_kind(*_driver_and_capabilities(root))
    if gpu == AMD and _read(root / "opt/rocm/.info/version").startswith("7."):
        return "rocm72"
    return "vulkan"


def cuda_kind(driver: str, capabilities: Iterable[float] = ()) -> str:
    """Return the newest CUDA wheels that a driver, e.g. "550.54.14", and all its GPUs can run."""
    version = tuple(int(part) for part in driver.split(".")[:2] if part.isdigit())
    known = sorted(capabilities) or [_CAUTIOUS]
    for first, kind in _CUDA_BY_DRIVER:
        low, high = _CAPABILITIES.get(kind) or _CAPABILITIES[kind[:4]]
        if version >= first and low <= known[0] and known[-1] <= high:
            return kind
    return "vulkan"


def _driver_and_capabilities(root: Path) -> tuple[str, list[float]]:
    rows = _ask_driver(root)
    if rows:
        return rows[0][0], [capability for _, capability in rows]
    told = re.search(r"Kernel Module\b.*?\s(\d+\.\d+[.\d]*)", _read(root / _VERSION))
    return (told[1] if told else ""), []


_VERSION = "proc/driver/nvidia/version"


def _ask_driver(root: Path) -> list[tuple[str, float]]:
    """Return driver and compute capability of each GPU, nothing where nvidia-smi is missing."""
    places = (root / "usr/bin/nvidia-smi", root / _WSL_SMI)
    program = next((str(place) for place in places if place.exists()), "")
    if not program:
        return []
    query = ["--query-gpu=driver_version,compute_cap", "--format=csv,noheader"]
    try:
        done = subprocess.run([program, *query], capture_output=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return []
    lines = done.stdout.decode("utf-8", errors="replace").splitlines()
    found = [re.fullmatch(r"([\d.]+), (\d+\.\d+)", line.strip()) for line in lines]
    return [(match[1], float(match[2])) for match in found if match]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""
