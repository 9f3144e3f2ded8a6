"""The rate card of a campsite. All amounts are in pence."""

from dataclasses import dataclass


class UnknownPitch(LookupError):
    """The rate card has no such kind of pitch."""


@dataclass(frozen=True)
class RateCard:
    """What one night costs."""

    pitches: dict[str, int]
    adult: int
    child: int

    def pitch_rate(self, kind: str) -> int:
        """Return the price of a pitch for one night."""
        try:
            return self.pitches[kind]
        except KeyError:
            raise UnknownPitch(f"no rate for pitch '{kind}'") from None

    def people_rate(self, adults: int, children: int) -> int:
        """Return the price of a party for one night."""
        return adults * self.adult + children * self.child
