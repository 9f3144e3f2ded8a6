"""The firing program as text for the wall."""

from program import ramp_minutes
from segments import Segment


def format_minutes(minutes: int) -> str:
    """Return `H:MM`."""
    return f"{minutes // 60}:{minutes % 60:02d}"


def render(segments: list[Segment], start: int = 20) -> str:
    """Return one line for each segment and one for the total."""
    lines = []
    elapsed = 0
    current = start
    for number, segment in enumerate(segments, start=1):
        elapsed += ramp_minutes(segment, current) + segment.hold
        hold = f", hold {segment.hold} min" if segment.hold else ""
        lines.append(
            f"{number}. {current} -> {segment.target} C at {segment.rate} C/h{hold}, "
            f"done at {format_minutes(elapsed)}"
        )
        current = segment.target
    lines.append(f"total {format_minutes(elapsed)}")
    return "\n".join(lines)
