"""Measures the engine on this machine: ratios of two arms in one run, against the stock class."""

from qwenagent.bench.figures import Figure, Reach
from qwenagent.bench.suite import run_bench

__all__ = ["Figure", "Reach", "run_bench"]
