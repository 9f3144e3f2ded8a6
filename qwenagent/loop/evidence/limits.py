"""How long a test command may take: as set, else by what it took before. Runs nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import PurePath

from qwenagent.checks.anatomy import program_indexes
from qwenagent.protocol.checks import TestCommand, TestRun

FIRST_S = 1800.0
"""For a command that was not measured yet, and the most for any."""
LEAST_S = 30.0
"""An edit may make a quick suite slower, and a busy machine may too."""
LEAST_BUILT_S = 300.0
"""The same for a command that may build first: before any edit there was nothing to build."""
_INTERPRETED = frozenset(
    {
        *("python", "python3", "pytest", "py.test", "nosetests", "unittest", "coverage"),
        *("node", "npm", "npx", "yarn", "pnpm", "bun", "deno", "jest", "vitest", "mocha"),
        *("ruby", "rspec", "rake", "bundle", "php", "phpunit", "pest", "perl", "prove", "lua"),
    }
)
"""Programs that test without building; of all others, scripts too, nobody knows."""
HURRIED_S = 5.0
"""The same where many edits are tried: some of them end in a loop, and others wait."""
PRESSED_S = 10.0
"""The least where one of several answers is tried: one that does not end is not worth a minute."""
UNKNOWN_S = 10.0
"""In a hurry, of a command that never came to its end."""


@dataclass(slots=True)
class Limits:
    """Time-outs by command, in seconds."""

    hard_s: float = 0.0
    """The user's limit for every command; 0 is none."""
    is_hurried: bool = False
    """Whether what takes much longer than the quickest run is not worth waiting for."""
    is_pressed: bool = False
    """Whether there are other answers to try: less strict than a hurry."""
    _took_s: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)
    _quickest_s: dict[tuple[str, tuple[str, ...]], float] = field(default_factory=dict)

    def limit_s(self, command: TestCommand) -> float:
        """Return how long a run may take."""
        limit, quickest = self._limit_s(command), self._quickest_s.get(_key(command))
        if self.is_hurried:
            hurried = UNKNOWN_S if quickest is None else max(HURRIED_S, 3 * quickest + 2)
            return min(limit, hurried)
        if self.is_pressed and quickest is not None and is_interpreted(command):
            return min(limit, max(PRESSED_S, 5 * quickest + 5))
        return limit

    def _limit_s(self, command: TestCommand) -> float:
        if self.hard_s:
            return self.hard_s
        took_s = self._took_s.get(_key(command))
        if took_s is None:
            return FIRST_S
        least_s = LEAST_S if is_interpreted(command) else LEAST_BUILT_S
        return min(FIRST_S, max(least_s, 3 * took_s + 10))

    def note(self, command: TestCommand, took_s: float) -> None:
        """Remember how long a command took; the longest counts."""
        key = _key(command)
        self._took_s[key] = max(took_s, self._took_s.get(key, 0.0))

    def note_end(self, command: TestCommand, run: TestRun) -> None:
        """Remember a run that came to its end; the quickest counts.

        One that broke off before its first test is as quick as none.
        """
        if not run.timed_out and (run.n_passed or (run.green and not run.statuses)):
            key = _key(command)
            self._quickest_s[key] = min(run.seconds, self._quickest_s.get(key, run.seconds))


def is_interpreted(command: TestCommand) -> bool:
    """Whether a command is known to test without building anything."""
    programs = (PurePath(command.argv[at]).name for at in program_indexes(command.argv))
    return any(re.sub(r"[\d.]+$", "", name) in _INTERPRETED for name in programs)


def _key(command: TestCommand) -> tuple[str, tuple[str, ...]]:
    return command.cwd, command.argv
