"""Bookings of a campsite and what they cost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from rates import RateCard


@dataclass(frozen=True)
class Booking:
    """A stay of one party on one pitch."""

    kind: str
    arrival: date
    departure: date
    adults: int
    children: int = 0

    def __post_init__(self) -> None:
        if self.departure <= self.arrival:
            raise ValueError("departure has to be after arrival")

    @property
    def nights(self) -> int:
        """Return the number of nights."""
        return (self.departure - self.arrival).days


def _nightly(card: RateCard, booking: Booking) -> Iterator[tuple[str, int]]:
    people = card.people_rate(booking.adults, booking.children)
    for night in range(booking.nights):
        day = booking.arrival + timedelta(days=night)
        season = card.season_on(day)
        name = season.name if season else "standard"
        yield name, card.pitch_rate(booking.kind, day) + people


def quote(card: RateCard, booking: Booking) -> int:
    """Return the price of the whole stay in pence."""
    return sum(amount for _, amount in _nightly(card, booking))


def breakdown(card: RateCard, booking: Booking) -> list[tuple[str, int, int]]:
    """Return season name, nights and amount for each run of nights in one season."""
    runs: list[tuple[str, int, int]] = []
    for name, amount in _nightly(card, booking):
        if runs and runs[-1][0] == name:
            _, nights, total = runs.pop()
            runs.append((name, nights + 1, total + amount))
        else:
            runs.append((name, 1, amount))
    return runs


def format_pounds(pence: int) -> str:
    """Return an amount as it is printed on an invoice."""
    return f"£{pence // 100}.{pence % 100:02d}"
