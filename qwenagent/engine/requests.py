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


@dataclass(frozen=True, slots=True)
class CompleteRequest:
    """Ask for one candidate."""

    prompt: Prompt
    grammar: Grammar | None
    sampling: Sampling


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
