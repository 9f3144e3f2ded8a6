"""The model behind one protocol. The only room that knows llama.cpp."""

from qwenagent.engine.base import Accept, Engine
from qwenagent.engine.device import (
    default_threads,
    gpu_memory,
    library,
    offload_available,
    visible_gpu,
    wheel_command,
)
from qwenagent.engine.embedded import EmbeddedEngine
from qwenagent.engine.requests import LoadSettings
from qwenagent.engine.scripted import ScriptedEngine

__all__ = [
    "Accept",
    "EmbeddedEngine",
    "Engine",
    "LoadSettings",
    "ScriptedEngine",
    "default_threads",
    "gpu_memory",
    "library",
    "offload_available",
    "visible_gpu",
    "wheel_command",
]
