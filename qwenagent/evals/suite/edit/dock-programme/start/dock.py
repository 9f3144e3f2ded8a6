"""Pump programmes of a dry dock. Water levels are in centimetres."""

from dataclasses import dataclass


class ProgrammeError(ValueError):
    """A programme cannot be read."""


@dataclass(frozen=True)
class Segment:
    """One part of a programme: a fill, a drain or a hold."""

    kind: str
    start: int
    end: int
    minutes: float


class DockProgramme:
    """The segments of a programme, in order."""

    @classmethod
    def parse(cls, text: str, start: int = 20) -> "DockProgramme":
        """Read a programme such as ``fill 150 to 600; hold 20``."""
        raise NotImplementedError
