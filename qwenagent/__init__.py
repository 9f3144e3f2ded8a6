"""A terminal coding agent built for one local model family: Qwen 2.5 Coder."""

__version__ = "0.1.0"
