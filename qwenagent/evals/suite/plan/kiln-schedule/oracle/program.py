"""Whole firing programs: reading them and how long they take."""

from segments import Segment, parse_segment


def parse_program(text: str) -> list[Segment]:
    """Read one segment from each line; `#` begins a comment."""
    segments = []
    for number, line in enumerate(text.splitlines(), start=1):
        content = line.partition("#")[0].strip()
        if not content:
            continue
        try:
            segments.append(parse_segment(content))
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from None
    return segments


def ramp_minutes(segment: Segment, current: int) -> int:
    """Return the minutes from `current` degrees to the target, rounded up."""
    return -(-abs(segment.target - current) * 60 // segment.rate)


def total_minutes(segments: list[Segment], start: int = 20) -> int:
    """Return the minutes of all ramps and holds."""
    total = 0
    current = start
    for segment in segments:
        total += ramp_minutes(segment, current) + segment.hold
        current = segment.target
    return total
