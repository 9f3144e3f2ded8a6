from datetime import date

import pytest
from booking import Booking, breakdown, format_pounds, quote
from rates import RateCard, Season, UnknownPitch

PLAIN = RateCard({"tent": 1000, "van": 2000}, 600, 250)
CARD = RateCard(
    {"tent": 1000, "van": 2000},
    600,
    250,
    (
        Season("regatta", (7, 10), (7, 12), 200),
        Season("summer", (7, 1), (8, 31), 125),
        Season("new year", (12, 20), (1, 6), 110),
    ),
)


def test_card_without_seasons_gives_the_quotes_of_before():
    booking = Booking("tent", date(2025, 7, 1), date(2025, 7, 5), 2, 1)
    assert quote(PLAIN, booking) == (1000 + 1450) * 4
    assert breakdown(PLAIN, booking) == [("standard", 4, 9800)]


def test_stay_within_a_season():
    booking = Booking("tent", date(2025, 8, 1), date(2025, 8, 3), 1)
    assert quote(CARD, booking) == (1250 + 600) * 2
    assert breakdown(CARD, booking) == [("summer", 2, 3700)]


def test_day_of_departure_has_no_night():
    booking = Booking("tent", date(2025, 6, 29), date(2025, 7, 1), 1)
    assert quote(CARD, booking) == 3200
    assert breakdown(CARD, booking) == [("standard", 2, 3200)]


def test_stay_into_a_season():
    booking = Booking("van", date(2025, 6, 30), date(2025, 7, 3), 2, 2)
    assert breakdown(CARD, booking) == [("standard", 1, 3700), ("summer", 2, 8400)]
    assert quote(CARD, booking) == 12100


def test_season_name_occurs_twice_around_another():
    booking = Booking("tent", date(2025, 7, 9), date(2025, 7, 14), 1)
    assert breakdown(CARD, booking) == [
        ("summer", 1, 1850),
        ("regatta", 3, 7800),
        ("summer", 1, 1850),
    ]
    assert quote(CARD, booking) == 11500


def test_stay_over_the_turn_of_the_year():
    booking = Booking("tent", date(2025, 12, 30), date(2026, 1, 9), 1)
    assert breakdown(CARD, booking) == [("new year", 8, 13600), ("standard", 2, 3200)]


def test_seasons_of_the_same_name_are_one_run():
    card = RateCard(
        {"tent": 1000},
        0,
        0,
        (Season("high", (5, 1), (5, 2), 150), Season("high", (5, 3), (5, 4), 200)),
    )
    booking = Booking("tent", date(2025, 5, 1), date(2025, 5, 5), 1)
    assert breakdown(card, booking) == [("high", 4, 7000)]


def test_unknown_pitch_has_no_quote():
    booking = Booking("castle", date(2025, 7, 1), date(2025, 7, 2), 1)
    with pytest.raises(UnknownPitch):
        quote(CARD, booking)


def test_departure_has_to_be_after_arrival():
    with pytest.raises(ValueError, match="departure has to be after arrival"):
        Booking("tent", date(2025, 7, 1), date(2025, 7, 1), 1)


def test_format_pounds():
    assert format_pounds(12105) == "£121.05"
