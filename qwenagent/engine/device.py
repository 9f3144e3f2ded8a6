"""The devices that the installed llama.cpp can compute on, with their memory. Loads the library."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Literal

from qwenagent.engine.wheels import visible_gpu
from qwenagent.registry import probe_cores

Kind = Literal["CPU", "GPU", "integrated GPU", "accelerator"]
_KINDS: tuple[Kind, ...] = ("CPU", "GPU", "integrated GPU", "accelerator")
"""By ggml's number."""


@dataclass(frozen=True, slots=True)
class Device:
    """A device that llama.cpp reports."""

    name: str
    description: str
    kind: Kind
    free_bytes: int
    total_bytes: int

    @property
    def is_gpu(self) -> bool:
        """Whether layers can be put on it."""
        return self.kind in ("GPU", "integrated GPU")

    def __str__(self) -> str:
        return f"{self.name} ({self.description})"


def default_threads() -> int:
    """Return the number of threads to decode with: the fast cores this process may use."""
    return probe_cores().n_threads


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
    kind = ggml.ggml_backend_dev_type(pointer)
    return Device(
        name=ggml.ggml_backend_dev_name(pointer).decode(errors="replace"),
        description=ggml.ggml_backend_dev_description(pointer).decode(errors="replace"),
        kind=_KINDS[kind] if kind < len(_KINDS) else "accelerator",
        free_bytes=free.value,
        total_bytes=total.value,
    )


def offload_devices() -> list[Device]:
    """Return the GPUs that llama.cpp spreads layers over: the integrated ones if there is no other.

    Loads it.
    """
    gpus = [device for device in devices() if device.is_gpu]
    return [device for device in gpus if device.kind == "GPU"] or gpus


def offload_available() -> bool:
    """Return whether the installed llama.cpp can use a GPU of this machine. Loads it."""
    return bool(offload_devices())


def gpu_memory() -> int:
    """Return the free bytes of the GPUs that llama.cpp would use, 0 if there are none.

    An integrated GPU has no memory of its own. Loads llama.cpp only where a GPU seems to be there.
    """
    if not visible_gpu():
        return 0
    return sum(device.free_bytes for device in devices() if device.kind == "GPU")


def library() -> str:
    """Return the version of the binding, after loading it.

    Raises:
        ImportError, OSError, RuntimeError: it cannot be loaded.
    """
    import llama_cpp

    return f"llama-cpp-python {llama_cpp.__version__}"
