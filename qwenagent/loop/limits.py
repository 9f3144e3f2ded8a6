"""How long a test command may take: as set, else by what it took before. Runs nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

from qwenagent.protocol.checks import TestCommand

FIRST_S = 1800.0
"""For a command that was not measured yet, and the most for any."""
LEAST_S = 30.0
"""An edit may make a quick suite slower, and a busy machine may too."""


@dataclass(slots=True)
class Limits:
    """Time-outs by command, in seconds."""

    hard_s: float = 0.0
    """The user's limit for every command; 0 is none."""
    _took_s: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)

    def limit_s(self, command: TestCommand) -> float:
        """Return how long a run may take."""
        if self.hard_s:
            return self.hard_s
        took_s = self._took_s.get(_key(command))
        if took_s is None:
            return FIRST_S
        return min(FIRST_S, max(LEAST_S, 3 * took_s + 10))

    def note(self, command: TestCommand, took_s: float) -> None:
        """Remember how long a command took; the longest counts."""
        key = _key(command)
        self._took_s[key] = max(took_s, self._took_s.get(key, 0.0))


def _key(command: TestCommand) -> tuple[str, tuple[str, ...]]:
    return command.cwd, command.argv
