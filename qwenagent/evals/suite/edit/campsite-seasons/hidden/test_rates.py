from datetime import date

import pytest
from rates import RateCard, Season, UnknownPitch

SUMMER = Season("summer", (7, 1), (8, 31), 125)
NEW_YEAR = Season("new year", (12, 20), (1, 6), 110)
REGATTA = Season("regatta", (7, 10), (7, 12), 200)
LOW = Season("low", (11, 1), (11, 30), 75)
CARD = RateCard({"tent": 1250, "van": 2002}, 600, 250, (REGATTA, SUMMER, NEW_YEAR, LOW))


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        (date(2025, 6, 30), False),
        (date(2025, 7, 1), True),
        (date(2031, 8, 1), True),
        (date(2025, 8, 31), True),
        (date(2025, 9, 1), False),
    ],
)
def test_season_within_a_year(day, covered):
    assert SUMMER.covers(day) is covered


@pytest.mark.parametrize(
    ("day", "covered"),
    [
        (date(2025, 12, 19), False),
        (date(2025, 12, 20), True),
        (date(2025, 12, 31), True),
        (date(2026, 1, 1), True),
        (date(2026, 1, 6), True),
        (date(2026, 1, 7), False),
        (date(2026, 6, 15), False),
    ],
)
def test_season_over_the_turn_of_the_year(day, covered):
    assert NEW_YEAR.covers(day) is covered


def test_season_of_one_day():
    fair = Season("fair", (5, 1), (5, 1), 150)
    assert [fair.covers(date(2025, 5, day)) for day in (1, 2)] == [True, False]


def test_season_is_a_frozen_value():
    assert Season("low", (11, 1), (11, 30), 75) == LOW
    with pytest.raises(AttributeError):
        LOW.percent = 80


def test_first_season_that_covers_the_day_counts():
    assert CARD.season_on(date(2025, 7, 11)) == REGATTA
    assert CARD.season_on(date(2025, 7, 13)) == SUMMER
    assert CARD.season_on(date(2025, 5, 1)) is None


def test_card_without_seasons():
    card = RateCard({"tent": 1250}, 600, 250)
    assert card.seasons == ()
    assert card.season_on(date(2025, 7, 1)) is None
    assert card.pitch_rate("tent") == 1250
    assert card.pitch_rate("tent", date(2025, 7, 1)) == 1250


def test_rate_without_a_day_or_season():
    assert CARD.pitch_rate("tent") == 1250
    assert CARD.pitch_rate("tent", date(2025, 5, 1)) == 1250


@pytest.mark.parametrize(
    ("kind", "day", "rate"),
    [
        ("tent", date(2025, 11, 5), 938),
        ("van", date(2025, 11, 5), 1502),
        ("tent", date(2025, 7, 1), 1563),
        ("van", date(2025, 7, 1), 2503),
        ("van", date(2025, 12, 24), 2202),
        ("van", date(2025, 7, 11), 4004),
    ],
)
def test_rate_in_a_season_is_rounded_half_up(kind, day, rate):
    assert CARD.pitch_rate(kind, day) == rate


def test_unknown_pitch():
    for day in (None, date(2025, 7, 1)):
        with pytest.raises(UnknownPitch) as caught:
            CARD.pitch_rate("castle", day)
        assert str(caught.value) == "no rate for pitch 'castle'"


def test_people_pay_the_same_all_year():
    assert CARD.people_rate(2, 3) == 1950
