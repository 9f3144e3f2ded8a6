from lockers.bank import Bank
from lockers.parcels import Parcel


def bank():
    boxes = Bank({1: "S", 2: "S", 3: "S", 4: "L"})
    boxes.store(Parcel("P1", "S", "Ines", 4, 9))  # box 1, last day 12
    boxes.store(Parcel("P2", "S", "Tom", 5, 6))  # box 2, last day 10
    boxes.store(Parcel("P3", "S", "Ada", 5, 30))  # box 3, last day 34
    boxes.store(Parcel("P4", "L", "Ada", 6, 5))  # box 4, last day 10
    return boxes


def test_nothing_on_the_last_day():
    assert bank().overdue(10) == []


def test_same_last_day_in_order_of_boxes():
    assert bank().overdue(11) == [2, 4]


def test_earliest_last_day_first():
    assert bank().overdue(13) == [2, 4, 1]


def test_same_last_day_whatever_was_stored_first():
    boxes = Bank({1: "L", 2: "S"})
    boxes.store(Parcel("P1", "S", "Ines", 4, 3))
    boxes.store(Parcel("P2", "L", "Tom", 4, 3))
    assert boxes.overdue(20) == [1, 2]


def test_nothing_is_taken_out():
    boxes = bank()
    boxes.overdue(50)
    assert boxes.occupied() == [1, 2, 3, 4]


def test_empty_bank():
    assert Bank({1: "S"}).overdue(3) == []
