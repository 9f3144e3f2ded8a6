"""The model behind one protocol. The only room that knows llama.cpp."""

from qwenagent.engine.base import Accept, Engine, Take
from qwenagent.engine.device import (
    Device,
    default_threads,
    devices,
    gpu_memory,
    library,
    offload_available,
    offload_devices,
)
from qwenagent.engine.doubts import worst_doubt
from qwenagent.engine.embedded import EmbeddedEngine
from qwenagent.engine.requests import LoadSettings
from qwenagent.engine.scripted import ScriptedEngine
from qwenagent.engine.wheels import visible_gpu, wheel_command

__all__ = [
    "Accept",
    "Device",
    "EmbeddedEngine",
    "Engine",
    "LoadSettings",
    "ScriptedEngine",
    "Take",
    "default_threads",
    "devices",
    "gpu_memory",
    "library",
    "offload_available",
    "offload_devices",
    "visible_gpu",
    "wheel_command",
    "worst_doubt",
]
