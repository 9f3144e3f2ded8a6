import pytest
from curve import temperature_at
from segments import Segment

UP_AND_DOWN = [Segment(60, 80, 10), Segment(120, 40)]


@pytest.mark.parametrize(
    ("minute", "degrees"),
    [(0, 20), (1, 21), (45, 65), (59, 79), (60, 80), (69, 80), (70, 80), (75, 70), (89, 42)],
)
def test_on_the_way(minute, degrees):
    assert temperature_at(UP_AND_DOWN, minute) == degrees


@pytest.mark.parametrize("minute", [90, 91, 500])
def test_after_the_end(minute):
    assert temperature_at(UP_AND_DOWN, minute) == 40


def test_rounded():
    assert temperature_at([Segment(100, 600)], 1) == 22
    assert temperature_at([Segment(100, 600)], 2) == 23


def test_last_minute_of_a_ramp_that_is_rounded_up():
    program = [Segment(100, 600, 5), Segment(60, 660)]
    assert temperature_at(program, 347) == 598
    assert temperature_at(program, 348) == 600
    assert temperature_at(program, 354) == 601


def test_other_start():
    assert temperature_at([Segment(60, 80)], 10, start=50) == 60
    assert temperature_at([Segment(60, 80)], 10, start=120) == 110


def test_no_segments():
    assert temperature_at([], 30) == 20
    assert temperature_at([], 30, start=75) == 75


def test_segment_without_a_ramp():
    assert temperature_at([Segment(60, 20, 30), Segment(60, 50)], 40) == 30


def test_negative_minute():
    with pytest.raises(ValueError) as caught:
        temperature_at(UP_AND_DOWN, -1)
    assert str(caught.value) == "minute must not be negative"
