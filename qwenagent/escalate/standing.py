"""Who may still be asked in a run: a no, a cap or a fault ends a part of it, or all.

Keeps what was decided; decides when it is told, and tells nobody.
"""

from __future__ import annotations

from qwenagent.escalate.caps import CapReached, NoPrice

EVERY_STEP = ""


class Standing:
    """The providers of a run, and what became of them so far."""

    def __init__(self, names: tuple[str, ...]) -> None:
        """`names` are those of the providers, in the order in which they are asked."""
        self._names = names
        self._is_shut = False
        self._ended: set[str] = set()
        """Steps about which nobody is asked any more."""
        self._off: set[tuple[str, str]] = set()
        """(provider, step) for which that one is not asked again."""

    def willing(self, step: str) -> tuple[str, ...]:
        """Return who may be asked about a step, in order."""
        if self._is_shut or step in self._ended:
            return ()
        return tuple(n for n in self._names if not {(n, EVERY_STEP), (n, step)} & self._off)

    def shut(self) -> None:
        """Nobody is asked any more."""
        self._is_shut = True

    def end(self, step: str) -> None:
        """Nobody is asked about this step any more."""
        self._ended.add(step)

    def leave_out(self, name: str, step: str) -> None:
        """One is not asked again about a step, or EVERY_STEP."""
        self._off.add((name, step))

    def note_cap(self, why: CapReached | NoPrice, name: str, step: str) -> None:
        """A smaller cap leaves what is larger than it: a cheaper provider, another step."""
        if isinstance(why, NoPrice):
            self.leave_out(name, EVERY_STEP)
        elif why.scope == "request":
            self.leave_out(name, step)
        elif why.scope == "step":
            self.end(step)
        else:
            self.shut()
