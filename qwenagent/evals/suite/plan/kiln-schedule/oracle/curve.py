"""How hot the kiln is at a given minute."""

from program import ramp_minutes
from segments import Segment


def temperature_at(segments: list[Segment], minute: int, start: int = 20) -> int:
    """Return the temperature in degrees `minute` minutes after the start."""
    if minute < 0:
        raise ValueError("minute must not be negative")
    current = start
    for segment in segments:
        ramp = ramp_minutes(segment, current)
        if minute < ramp:
            sign = 1 if segment.target > current else -1
            return round(current + sign * segment.rate * minute / 60)
        current = segment.target
        if minute < ramp + segment.hold:
            return current
        minute -= ramp + segment.hold
    return current
