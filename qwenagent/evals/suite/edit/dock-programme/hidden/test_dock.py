from dataclasses import replace

import pytest
from dock import DockProgramme, ProgrammeError, Segment

LINE = "fill 150 to 620; hold 20; fill 60 to 1060; hold 10; drain 100 to 60"


def error_of(text, **options):
    with pytest.raises(ProgrammeError) as caught:
        DockProgramme.parse(text, **options)
    return str(caught.value)


def rounded(programme):
    return [replace(part, minutes=round(part.minutes, 6)) for part in programme.segments]


def test_segments_follow_each_other():
    assert rounded(DockProgramme.parse(LINE)) == [
        Segment("fill", 20, 620, 240.0),
        Segment("hold", 620, 620, 20.0),
        Segment("fill", 620, 1060, 440.0),
        Segment("hold", 1060, 1060, 10.0),
        Segment("drain", 1060, 60, 600.0),
    ]


def test_case_blanks_and_empty_segments():
    programme = DockProgramme.parse(" ;FILL  150   To 620 ;; Hold\t20;  ")
    assert rounded(programme) == [
        Segment("fill", 20, 620, 240.0),
        Segment("hold", 620, 620, 20.0),
    ]


def test_start_level():
    programme = DockProgramme.parse("hold 5; drain 50 to 100", start=200)
    assert rounded(programme) == [
        Segment("hold", 200, 200, 5.0),
        Segment("drain", 200, 100, 120.0),
    ]


def test_minutes_may_be_fractions():
    assert DockProgramme.parse("fill 80 to 30").segments[0].minutes == pytest.approx(7.5)


def test_total_minutes():
    assert DockProgramme.parse(LINE).total_minutes() == pytest.approx(1310.0)


def test_highest():
    assert DockProgramme.parse(LINE).highest() == 1060
    assert DockProgramme.parse("drain 50 to 100; fill 10 to 150", start=200).highest() == 200
    assert DockProgramme.parse("hold 5", start=35).highest() == 35


@pytest.mark.parametrize(
    ("minute", "level"),
    [
        (-10, 20),
        (0, 20),
        (60, 170),
        (240, 620),
        (250, 620),
        (260, 620),
        (290, 650),
        (700, 1060),
        (705, 1060),
        (710, 1060),
        (1010, 560),
        (1310, 60),
        (5000, 60),
    ],
)
def test_level_at(minute, level):
    assert DockProgramme.parse(LINE).level_at(minute) == pytest.approx(level)


@pytest.mark.parametrize(
    "segment",
    [
        "top up",
        "fill 150 600",
        "fill 150 to",
        "fill to 600",
        "fill 150 to 600 now",
        "fill 1.5 to 600",
        "fill -5 to 600",
        "fill +5 to 600",
        "fill 0 to 600",
        "drain 10 to 0",
        "hold",
        "hold 0",
        "hold 20 minutes",
        "hold20",
        "Hold  ten",
    ],
)
def test_segments_that_cannot_be_read(segment):
    assert error_of(f"hold 5;  {segment}  ; hold 5") == f"segment 2: cannot read '{segment}'"


def test_fill_has_to_go_up():
    assert error_of("fill 100 to 800; hold 5; fill 10 to 600") == "segment 3: 600 is not above 800"
    assert error_of("fill 100 to 800; fill 10 to 800") == "segment 2: 800 is not above 800"
    assert error_of("fill 100 to 20") == "segment 1: 20 is not above 20"


def test_drain_has_to_go_down():
    assert error_of("fill 100 to 400; drain 10 to 600") == "segment 2: 600 is not below 400"
    assert error_of("drain 10 to 300", start=300) == "segment 1: 300 is not below 300"


def test_first_wrong_segment_is_reported_without_counting_empty_ones():
    assert error_of("; hold 5;; flood; flush") == "segment 2: cannot read 'flood'"
    assert error_of("drain 5 to 90; flood") == "segment 1: 90 is not below 20"


@pytest.mark.parametrize("text", ["", "   ", ";", " ; ; "])
def test_empty_programme(text):
    assert error_of(text) == "empty programme"
