"""Bookings of a campsite and what they cost."""

from dataclasses import dataclass
from datetime import date

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


def quote(card: RateCard, booking: Booking) -> int:
    """Return the price of the whole stay in pence."""
    per_night = card.pitch_rate(booking.kind) + card.people_rate(booking.adults, booking.children)
    return per_night * booking.nights


def format_pounds(pence: int) -> str:
    """Return an amount as it is printed on an invoice."""
    return f"£{pence // 100}.{pence % 100:02d}"
