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
    keep_days: int = 7

    def __post_init__(self) -> None:
        if not self.number:
            raise ValueError("a parcel needs a number")
        if self.size not in SIZES:
            raise ValueError(f"unknown size: {self.size}")
        if self.keep_days < 1:
            raise ValueError("keep_days must be at least 1")

    def last_day(self) -> int:
        """Return the last day on which the parcel is kept."""
        return self.stored_on + self.keep_days - 1

    def is_overdue(self, day: int) -> bool:
        """Tell whether `day` is after the last day."""
        return day > self.last_day()


def fits(size: str, box_size: str) -> bool:
    """Tell whether a parcel of `size` fits in a box of `box_size`."""
    return SIZES.index(size) <= SIZES.index(box_size)
