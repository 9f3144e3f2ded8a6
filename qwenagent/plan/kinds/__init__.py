"""What a step asks for: an edit, a command to be run, or something left to the user."""

from qwenagent.plan.kinds.asking import Asked, asked_by

__all__ = ["Asked", "asked_by"]
