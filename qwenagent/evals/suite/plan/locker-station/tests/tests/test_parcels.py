import pytest
from lockers.parcels import Parcel, fits


def test_fields():
    parcel = Parcel("P1", "S", "Ines", 4)
    assert (parcel.number, parcel.size, parcel.recipient, parcel.stored_on) == (
        "P1",
        "S",
        "Ines",
        4,
    )


def test_number_is_needed():
    with pytest.raises(ValueError, match="needs a number"):
        Parcel("", "S", "Ines", 4)


def test_size_is_known():
    with pytest.raises(ValueError, match="unknown size: XL"):
        Parcel("P1", "XL", "Ines", 4)


@pytest.mark.parametrize(
    ("size", "box", "expected"),
    [("S", "S", True), ("S", "L", True), ("M", "S", False), ("L", "M", False), ("L", "L", True)],
)
def test_fits(size, box, expected):
    assert fits(size, box) is expected
