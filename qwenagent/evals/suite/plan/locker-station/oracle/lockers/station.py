"""A station: boxes, codes and the journal together."""

from lockers.bank import Bank
from lockers.codes import make_code, read_code
from lockers.journal import Journal
from lockers.parcels import Parcel


class WrongCode(Exception):
    """The code does not open anything."""


class Station:
    """Takes parcels in and hands them out."""

    def __init__(self, bank: Bank, journal: Journal) -> None:
        self.bank = bank
        self.journal = journal
        self._codes: dict[int, str] = {}

    def deliver(self, parcel: Parcel) -> str:
        """Store `parcel` and return the code for its recipient."""
        box = self.bank.store(parcel)
        self.journal.record(parcel.stored_on, "stored", box, parcel.number)
        code = make_code(box, parcel.stored_on)
        self._codes[box] = code
        return code

    def collect(self, code: str, day: int) -> Parcel:
        """Open the box that `code` is for and return its parcel."""
        try:
            box = read_code(code)
        except ValueError as error:
            raise WrongCode(str(error)) from error
        if self._codes.get(box) != code.replace(" ", ""):
            raise WrongCode("this code is not in use")
        parcel = self.bank.take(box)
        del self._codes[box]
        self.journal.record(day, "collected", box, parcel.number)
        return parcel

    def send_back(self, day: int) -> list[Parcel]:
        """Take out the parcels that are overdue on `day` and return them."""
        parcels = []
        for box in self.bank.overdue(day):
            parcel = self.bank.take(box)
            del self._codes[box]
            self.journal.record(day, "returned", box, parcel.number)
            parcels.append(parcel)
        return parcels

    def waiting(self, recipient: str) -> list[str]:
        """Return the numbers of the parcels that wait for `recipient`, by box."""
        return [
            parcel.number
            for box in self.bank.occupied()
            if (parcel := self.bank.content(box)) is not None and parcel.recipient == recipient
        ]
