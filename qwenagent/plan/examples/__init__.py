"""Literal examples in a step's text: what one call gives, exactly. Evaluates nothing."""

from qwenagent.plan.examples.finding import find_examples

__all__ = ["find_examples"]
