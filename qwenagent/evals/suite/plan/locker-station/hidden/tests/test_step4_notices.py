import pytest
from lockers.bank import Bank
from lockers.notices import notice, notices
from lockers.parcels import Parcel


@pytest.mark.parametrize(
    ("day", "text"),
    [
        (4, None),
        (7, None),
        (8, "Ines: parcel P1 waits for you for 2 more days."),
        (9, "Ines: parcel P1 waits for you until tomorrow."),
        (10, "Ines: today is the last day for parcel P1."),
        (11, "Ines: parcel P1 goes back to its sender."),
        (30, "Ines: parcel P1 goes back to its sender."),
    ],
)
def test_notice(day, text):
    assert notice(Parcel("P1", "S", "Ines", 4), day) == text


def test_names():
    assert (
        notice(Parcel("K-77", "L", "Tom", 1, 1), 1) == "Tom: today is the last day for parcel K-77."
    )


def test_notices_in_order_of_boxes():
    boxes = Bank({1: "L", 2: "S", 3: "M"})
    boxes.store(Parcel("P1", "S", "Ines", 4))
    boxes.store(Parcel("P2", "L", "Tom", 3))
    boxes.store(Parcel("P3", "M", "Ada", 9))
    assert notices(boxes, 10) == [
        "Tom: parcel P2 goes back to its sender.",
        "Ines: today is the last day for parcel P1.",
    ]


def test_no_notices():
    assert notices(Bank({1: "S"}), 10) == []
