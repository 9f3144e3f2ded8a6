"""What crosses the pipe between the program and its engine worker. Imports no llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Prompt, Reading, Sampling
from qwenagent.registry import KvType


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What to load and how."""

    path: Path
    n_ctx: int
    n_threads: int
    n_gpu_layers: int = 0
    """Layers on the GPU, the output layer among them; -1 is as many as fit."""
    kv_type: KvType = "f16"
    log: Path | None = None
    """File for llama.cpp's own messages; each start of the worker begins it anew."""
    cache: Path | None = None
    """Folder for prompts that were read and for what was measured; None to keep nothing."""
    cache_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """Ask for a candidate for each sampling. A cancel names the request by its number."""

    number: int
    prompt: Prompt
    grammar: Grammar | None
    samplings: tuple[Sampling, ...]
    doubts: bool = False
    """Whether the answers tell where the grammar overruled the model."""


@dataclass(frozen=True, slots=True)
class AlternativesRequest:
    """Ask for what the model would have written instead of parts of a text."""

    number: int
    reading: Reading


@dataclass(frozen=True, slots=True)
class CountRequest:
    """Ask for a number of tokens."""

    text: str | Prompt


@dataclass(frozen=True, slots=True)
class Ready:
    """The model is loaded."""

    weights: str
    n_ctx: int
    device: str
    library: str
    details: dict[str, str] = field(default_factory=dict)
    """For `EngineInfo.details`."""
