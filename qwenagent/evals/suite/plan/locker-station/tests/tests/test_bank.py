import pytest
from lockers.bank import Bank, NoRoom
from lockers.parcels import Parcel


def bank():
    return Bank({1: "L", 2: "S", 3: "M", 4: "S"})


def parcel(number="P1", size="S"):
    return Parcel(number, size, "Ines", 4)


def test_smallest_box_first():
    assert bank().store(parcel()) == 2


def test_next_box_of_the_size():
    boxes = bank()
    boxes.store(parcel("P1"))
    assert boxes.store(parcel("P2")) == 4


def test_larger_box_when_small_ones_are_full():
    boxes = bank()
    boxes.store(parcel("P1"))
    boxes.store(parcel("P2"))
    assert boxes.store(parcel("P3")) == 3


def test_no_room():
    boxes = bank()
    boxes.store(parcel("P1", "L"))
    with pytest.raises(NoRoom, match="size L"):
        boxes.store(parcel("P2", "L"))


def test_take():
    boxes = bank()
    box = boxes.store(parcel())
    assert boxes.take(box) == parcel()
    assert boxes.content(box) is None


def test_take_from_an_empty_box():
    with pytest.raises(KeyError):
        bank().take(1)


def test_content_of_a_missing_box():
    with pytest.raises(KeyError):
        bank().content(9)


def test_occupied_in_order():
    boxes = bank()
    boxes.store(parcel("P1", "M"))
    boxes.store(parcel("P2", "S"))
    assert boxes.occupied() == [2, 3]


def test_free():
    boxes = bank()
    boxes.store(parcel())
    assert (boxes.free("S"), boxes.free("M"), boxes.free("L")) == (1, 1, 1)


def test_find():
    boxes = bank()
    boxes.store(parcel("P7", "M"))
    assert (boxes.find("P7"), boxes.find("P8")) == (3, None)


def test_unknown_size():
    with pytest.raises(ValueError, match="box 1"):
        Bank({1: "XS"})
