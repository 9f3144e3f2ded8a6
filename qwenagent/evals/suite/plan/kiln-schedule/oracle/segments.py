"""Segments of a firing program."""

import re
from dataclasses import dataclass

_FORM = re.compile(r"([0-9]+)/([0-9]+)(?: +hold +([0-9]+))?")


@dataclass(frozen=True)
class Segment:
    """A ramp in degrees an hour up or down to a target, and minutes to hold it."""

    rate: int
    target: int
    hold: int = 0


def parse_segment(text: str) -> Segment:
    """Read `RATE/TARGET` or `RATE/TARGET hold MINUTES`."""
    text = text.strip()
    match = _FORM.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise ValueError(f"bad segment: {text}")
    return Segment(int(match[1]), int(match[2]), int(match[3] or 0))
