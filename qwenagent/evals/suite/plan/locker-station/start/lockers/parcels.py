"""What a parcel is."""

from dataclasses import dataclass

SIZES = ("S", "M", "L")


@dataclass(frozen=True)
class Parcel:
    """A parcel for one recipient, stored on a day."""

    number: str
    size: str
    recipient: str
    stored_on: int

    def __post_init__(self) -> None:
        if not self.number:
            raise ValueError("a parcel needs a number")
        if self.size not in SIZES:
            raise ValueError(f"unknown size: {self.size}")


def fits(size: str, box_size: str) -> bool:
    """Tell whether a parcel of `size` fits in a box of `box_size`."""
    return SIZES.index(size) <= SIZES.index(box_size)
