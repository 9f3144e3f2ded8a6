import pytest
from tides import clock, longest_window, passage_times, required_height, windows

TABLE = [
    (300, 80),
    (330, 140),
    (360, 190),
    (390, 210),
    (420, 185),
    (450, 130),
    (480, 90),
    (1020, 120),
    (1050, 180),
    (1080, 200),
]


def test_required_height():
    assert required_height(150) == 180
    assert required_height(400) == 440
    assert required_height(100, margin=50) == 150


def test_draught_has_to_be_positive():
    with pytest.raises(ValueError, match="draught must be positive"):
        required_height(0)


def test_no_window():
    assert windows(TABLE, 300) == []
    assert windows([], 100) == []


def test_window_that_ends_within_the_table():
    assert windows(TABLE[:7], 180) == [(360, 420)]


def test_window_up_to_the_last_reading():
    assert windows(TABLE[7:], 180) == [(1050, 1080)]


def test_height_that_is_just_enough():
    assert windows(TABLE, 210) == [(390, 390)]
    assert windows(TABLE, 185) == [(360, 420), (1080, 1080)]


def test_window_over_the_whole_table():
    assert windows(TABLE, 80) == [(300, 1080)]


def test_clock():
    assert [clock(time) for time in (0, 65, 1439)] == ["00:00", "01:05", "23:59"]


def test_passage_times():
    assert passage_times(TABLE, 150) == ["06:00-07:00", "17:30-18:00"]


def test_longest_window():
    assert longest_window(TABLE, 150) == 60
    assert longest_window(TABLE, 290) == 0
