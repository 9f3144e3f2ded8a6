"""The boxes of a station and what is in them."""

from lockers.parcels import SIZES, Parcel, fits


class NoRoom(Exception):
    """No free box is large enough."""


class Bank:
    """Boxes, each with a number and a size, empty or with one parcel."""

    def __init__(self, sizes: dict[int, str]) -> None:
        for box, size in sizes.items():
            if size not in SIZES:
                raise ValueError(f"box {box}: unknown size: {size}")
        self._sizes = dict(sizes)
        self._parcels: dict[int, Parcel] = {}

    def store(self, parcel: Parcel) -> int:
        """Put `parcel` into the smallest free box it fits in, and return the number of the box."""
        free = [box for box in self._sizes if box not in self._parcels]
        candidates = [box for box in free if fits(parcel.size, self._sizes[box])]
        if not candidates:
            raise NoRoom(f"no free box for size {parcel.size}")
        box = min(candidates, key=lambda box: (SIZES.index(self._sizes[box]), box))
        self._parcels[box] = parcel
        return box

    def take(self, box: int) -> Parcel:
        """Empty `box` and return what was in it."""
        if box not in self._parcels:
            raise KeyError(f"box {box} is empty")
        return self._parcels.pop(box)

    def content(self, box: int) -> Parcel | None:
        """Return the parcel in `box`, or None if it is empty."""
        if box not in self._sizes:
            raise KeyError(f"no box {box}")
        return self._parcels.get(box)

    def occupied(self) -> list[int]:
        """Return the numbers of the boxes that are in use, in order."""
        return sorted(self._parcels)

    def free(self, size: str) -> int:
        """Return how many boxes of exactly `size` are free."""
        return sum(
            1
            for box, box_size in self._sizes.items()
            if box_size == size and box not in self._parcels
        )

    def find(self, number: str) -> int | None:
        """Return the box that holds the parcel `number`, or None."""
        for box, parcel in self._parcels.items():
            if parcel.number == number:
                return box
        return None

    def overdue(self, day: int) -> list[int]:
        """Return the boxes whose parcel is overdue on `day`, earliest last day first."""
        boxes = [box for box, parcel in self._parcels.items() if parcel.is_overdue(day)]
        return sorted(boxes, key=lambda box: (self._parcels[box].last_day(), box))
