import pytest
from report import format_minutes, render
from segments import Segment


@pytest.mark.parametrize(
    ("minutes", "text"),
    [(0, "0:00"), (9, "0:09"), (59, "0:59"), (60, "1:00"), (65, "1:05"), (1500, "25:00")],
)
def test_format_minutes(minutes, text):
    assert format_minutes(minutes) == text


def test_render():
    assert render([Segment(60, 80, 10), Segment(120, 40)]).splitlines() == [
        "1. 20 -> 80 C at 60 C/h, hold 10 min, done at 1:10",
        "2. 80 -> 40 C at 120 C/h, done at 1:30",
        "total 1:30",
    ]


def test_no_newline_at_the_end():
    assert render([Segment(60, 80)]) == "1. 20 -> 80 C at 60 C/h, done at 1:00\ntotal 1:00"


def test_other_start():
    assert render([Segment(100, 600, 15)], start=500) == (
        "1. 500 -> 600 C at 100 C/h, hold 15 min, done at 1:15\ntotal 1:15"
    )


def test_nothing():
    assert render([]) == "total 0:00"
