"""What crosses the pipe between the program and its engine worker. Imports no llama.cpp."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from qwenagent.grammar import Grammar
from qwenagent.protocol.messages import Prompt, Sampling


@dataclass(frozen=True, slots=True)
class LoadSettings:
    """What to load and how. `n_gpu_layers` -1 means all."""

    path: Path
    n_ctx: int
    n_threads: int
    n_gpu_layers: int = 0
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
