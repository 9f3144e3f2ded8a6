"""Loads a model and its cache, with what fits on the GPUs if llama.cpp has any."""

from __future__ import annotations

from dataclasses import replace

from qwenagent.engine.context import Context
from qwenagent.engine.device import offload_devices
from qwenagent.engine.gguf import read_layers
from qwenagent.engine.llama import Model
from qwenagent.engine.offload import AUTO, Placed, fitting_layers, load_on
from qwenagent.engine.requests import LoadSettings
from qwenagent.errors import ModelLoadFailed


def open_model(settings: LoadSettings) -> Placed[tuple[Model, Context]]:
    """Load what the settings name; both are the caller's to close, the context first.

    Raises:
        ModelLoadFailed: it could not be loaded, on the CPU alone either.
    """
    gpus = offload_devices() if settings.n_gpu_layers else []
    if not gpus:
        return Placed(_open(settings, 0), "CPU")
    layers, wanted = read_layers(settings.path), settings.n_gpu_layers
    if wanted == AUTO:
        wanted = fitting_layers(gpus, layers, settings.n_ctx, settings.kv_type)
    return load_on(gpus, layers, wanted, lambda n_layers: _open(settings, n_layers))


def _open(settings: LoadSettings, n_gpu_layers: int) -> tuple[Model, Context]:
    settings = replace(settings, n_gpu_layers=n_gpu_layers)
    model = Model(settings)
    try:
        return model, Context(model, settings)
    except ModelLoadFailed:
        model.close()  # before it is loaded again with fewer layers
        raise
