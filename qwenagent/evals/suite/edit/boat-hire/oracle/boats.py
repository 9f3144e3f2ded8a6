"""The boats of a boat hire."""


class BoatError(Exception):
    """A boat cannot be handed out, taken back or found."""


class BoatFleet:
    """Small and large boats, handed out by number."""

    def __init__(self, small: int, large: int) -> None:
        self._numbers = {
            "small": range(1, small + 1),
            "large": range(small + 1, small + large + 1),
        }
        self._guests: dict[int, str] = {}
        self._broken: set[int] = set()

    def take(self, guest: str, size: str = "small") -> int:
        """Give the guest the lowest suitable boat and return its number."""
        candidates = self._free_numbers(size)
        for number, owner in self._guests.items():
            if owner == guest:
                raise BoatError(f"{guest} already has boat {number}")
        if not candidates and size == "small":
            candidates = self._free_numbers("large")
        if not candidates:
            raise BoatError(f"no {size} boat free")
        self._guests[candidates[0]] = guest
        return candidates[0]

    def give_back(self, guest: str) -> int:
        """Take the guest's boat back and return its number."""
        for number, owner in self._guests.items():
            if owner == guest:
                del self._guests[number]
                return number
        raise BoatError(f"{guest} has no boat")

    def mark_broken(self, number: int) -> None:
        """Do not hand this boat out any more."""
        self._size_of(number)
        self._broken.add(number)

    def repair(self, number: int) -> None:
        """Hand this boat out again."""
        self._size_of(number)
        self._broken.discard(number)

    def free(self, size: str) -> int:
        """Return how many boats of this size can be handed out."""
        return len(self._free_numbers(size))

    def overview(self) -> list[str]:
        """Return one line for each boat in use, by number."""
        return [
            f"{number} {self._size_of(number)} {guest}"
            + (" (broken)" if number in self._broken else "")
            for number, guest in sorted(self._guests.items())
        ]

    def _free_numbers(self, size: str) -> list[int]:
        if size not in self._numbers:
            raise BoatError(f"unknown size: {size}")
        unusable = self._broken | self._guests.keys()
        return [number for number in self._numbers[size] if number not in unusable]

    def _size_of(self, number: int) -> str:
        for size, numbers in self._numbers.items():
            if number in numbers:
                return size
        raise BoatError(f"no boat {number}")
