"""The model's part of a step: what it is shown, may call, writes, and what is refused of that."""
