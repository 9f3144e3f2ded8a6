import pytest
from lockers.parcels import Parcel


def test_kept_for_a_week():
    parcel = Parcel("P1", "S", "Ines", 4)
    assert (parcel.keep_days, parcel.last_day()) == (7, 10)


def test_last_field():
    assert Parcel("P1", "S", "Ines", 4, 3) == Parcel("P1", "S", "Ines", 4, keep_days=3)


def test_one_day():
    assert Parcel("P1", "S", "Ines", 4, 1).last_day() == 4


@pytest.mark.parametrize(("day", "overdue"), [(4, False), (10, False), (11, True), (40, True)])
def test_is_overdue(day, overdue):
    assert Parcel("P1", "S", "Ines", 4).is_overdue(day) is overdue


@pytest.mark.parametrize("days", [0, -3])
def test_at_least_one_day(days):
    with pytest.raises(ValueError) as caught:
        Parcel("P1", "S", "Ines", 4, days)
    assert str(caught.value) == "keep_days must be at least 1"


def test_other_checks_come_first():
    with pytest.raises(ValueError) as caught:
        Parcel("P1", "XL", "Ines", 4, 0)
    assert str(caught.value) == "unknown size: XL"
