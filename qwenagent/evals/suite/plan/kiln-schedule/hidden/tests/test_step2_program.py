import pytest
from program import parse_program, ramp_minutes, total_minutes
from segments import Segment

STONEWARE = """\
# stoneware, glaze firing
100/600 hold 15   # slow
   150/1060

60/1240 hold 20
"""


def test_parse():
    assert parse_program(STONEWARE) == [
        Segment(100, 600, 15),
        Segment(150, 1060),
        Segment(60, 1240, 20),
    ]


def test_nothing_to_parse():
    assert parse_program("") == []
    assert parse_program("\n  # only a remark\n") == []


def test_line_of_the_mistake():
    with pytest.raises(ValueError) as caught:
        parse_program("100/600\n\noops")
    assert str(caught.value) == "line 3: bad segment: oops"


def test_comment_lines_count():
    with pytest.raises(ValueError) as caught:
        parse_program("# bisque\n0/600 # too slow\n")
    assert str(caught.value) == "line 2: bad segment: 0/600"


@pytest.mark.parametrize(
    ("segment", "current", "minutes"),
    [
        (Segment(100, 600, 15), 20, 348),
        (Segment(150, 500), 501, 1),
        (Segment(60, 20), 80, 60),
        (Segment(60, 80, 30), 80, 0),
        (Segment(7, 100), 99, 9),
    ],
)
def test_ramp(segment, current, minutes):
    assert ramp_minutes(segment, current) == minutes


def test_total():
    assert total_minutes(parse_program(STONEWARE)) == 348 + 15 + 184 + 180 + 20


def test_total_from_a_warm_kiln():
    assert total_minutes([Segment(60, 80, 10), Segment(120, 40)], start=70) == 10 + 10 + 20


def test_total_of_nothing():
    assert total_minutes([]) == 0
