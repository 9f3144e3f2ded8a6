"""Pump programmes of a dry dock. Water levels are in centimetres."""

import re
from dataclasses import dataclass

_CHANGE = re.compile(r"(fill|drain)\s+([0-9]+)\s+to\s+([0-9]+)", re.IGNORECASE)
_HOLD = re.compile(r"hold\s+([0-9]+)", re.IGNORECASE)


class ProgrammeError(ValueError):
    """A programme cannot be read."""


@dataclass(frozen=True)
class Segment:
    """One part of a programme: a fill, a drain or a hold."""

    kind: str
    start: int
    end: int
    minutes: float


def _read_segment(text: str, before: int, place: str) -> Segment:
    if (hold := _HOLD.fullmatch(text)) and int(hold[1]) > 0:
        return Segment("hold", before, before, float(hold[1]))
    change = _CHANGE.fullmatch(text)
    if not change or int(change[2]) == 0 or int(change[3]) == 0:
        raise ProgrammeError(f"{place}: cannot read '{text}'")
    kind, rate, target = change[1].lower(), int(change[2]), int(change[3])
    if kind == "fill" and target <= before:
        raise ProgrammeError(f"{place}: {target} is not above {before}")
    if kind == "drain" and target >= before:
        raise ProgrammeError(f"{place}: {target} is not below {before}")
    return Segment(kind, before, target, abs(target - before) * 60 / rate)


class DockProgramme:
    """The segments of a programme, in order."""

    def __init__(self, start: int, segments: list[Segment]) -> None:
        self.start = start
        self.segments = segments

    @classmethod
    def parse(cls, text: str, start: int = 20) -> "DockProgramme":
        """Read a programme such as ``fill 150 to 600; hold 20``."""
        parts = [part.strip() for part in text.split(";") if part.strip()]
        if not parts:
            raise ProgrammeError("empty programme")
        segments: list[Segment] = []
        level = start
        for number, part in enumerate(parts, start=1):
            segments.append(_read_segment(part, level, f"segment {number}"))
            level = segments[-1].end
        return cls(start, segments)

    def total_minutes(self) -> float:
        """Return how long the whole programme takes."""
        return sum(segment.minutes for segment in self.segments)

    def highest(self) -> int:
        """Return the highest level that is reached."""
        return max(self.start, *(segment.end for segment in self.segments))

    def level_at(self, minute: float) -> float:
        """Return the level after ``minute`` minutes."""
        if minute <= 0:
            return float(self.start)
        for segment in self.segments:
            if minute <= segment.minutes:
                share = minute / segment.minutes
                return segment.start + (segment.end - segment.start) * share
            minute -= segment.minutes
        return float(self.segments[-1].end)
