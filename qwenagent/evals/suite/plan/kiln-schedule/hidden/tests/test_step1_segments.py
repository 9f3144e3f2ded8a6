from dataclasses import FrozenInstanceError

import pytest
from segments import Segment, parse_segment


def test_rate_and_target():
    assert parse_segment("150/1060") == Segment(rate=150, target=1060, hold=0)


def test_hold():
    assert parse_segment("100/600 hold 15") == Segment(100, 600, 15)


def test_spaces_at_the_ends():
    assert parse_segment("  60/1240 hold 20  ") == Segment(60, 1240, 20)


def test_values_are_numbers():
    segment = parse_segment("80/90 hold 7")
    assert (segment.rate + 1, segment.target + 1, segment.hold + 1) == (81, 91, 8)


def test_hold_is_optional_in_the_class():
    assert Segment(1, 2).hold == 0


def test_frozen():
    segment = Segment(100, 600)
    with pytest.raises(FrozenInstanceError):
        segment.target = 700


@pytest.mark.parametrize(
    "text",
    [
        "",
        "100",
        "100 600",
        "100 / 600",
        "100/600 hold",
        "100/600 hold x",
        "100/600 keep 5",
        "-5/600",
        "0/600",
        "100/600 hold 5 6",
    ],
)
def test_refused(text):
    with pytest.raises(ValueError) as caught:
        parse_segment(f" {text} ")
    assert str(caught.value) == f"bad segment: {text}"
