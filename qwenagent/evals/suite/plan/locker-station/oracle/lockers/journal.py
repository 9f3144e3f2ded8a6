"""What happened at the station, in order."""

from dataclasses import dataclass

KINDS = ("stored", "collected", "returned")


@dataclass(frozen=True)
class Entry:
    """One event: on a day, a parcel was put into a box or taken from it."""

    day: int
    kind: str
    box: int
    number: str


class Journal:
    """Entries in the order of their days."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []

    def record(self, day: int, kind: str, box: int, number: str) -> Entry:
        """Append an entry and return it."""
        if kind not in KINDS:
            raise ValueError(f"unknown kind: {kind}")
        if self._entries and day < self._entries[-1].day:
            raise ValueError(f"day {day} is before the last entry")
        entry = Entry(day, kind, box, number)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        """Return all entries."""
        return list(self._entries)

    def history(self, number: str) -> list[Entry]:
        """Return the entries of one parcel."""
        return [entry for entry in self._entries if entry.number == number]

    def count(self, kind: str) -> int:
        """Return how many entries there are of a kind."""
        return sum(1 for entry in self._entries if entry.kind == kind)
