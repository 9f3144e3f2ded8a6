"""The rate card of a campsite. All amounts are in pence."""

from dataclasses import dataclass
from datetime import date


class UnknownPitch(LookupError):
    """The rate card has no such kind of pitch."""


@dataclass(frozen=True)
class Season:
    """A part of the year in which pitches have another price."""

    name: str
    first: tuple[int, int]
    last: tuple[int, int]
    percent: int

    def covers(self, day: date) -> bool:
        """Tell whether the day belongs to the season."""
        place = (day.month, day.day)
        if self.first <= self.last:
            return self.first <= place <= self.last
        return place >= self.first or place <= self.last


@dataclass(frozen=True)
class RateCard:
    """What one night costs."""

    pitches: dict[str, int]
    adult: int
    child: int
    seasons: tuple[Season, ...] = ()

    def season_on(self, day: date) -> Season | None:
        """Return the first season that covers the day."""
        for season in self.seasons:
            if season.covers(day):
                return season
        return None

    def pitch_rate(self, kind: str, day: date | None = None) -> int:
        """Return the price of a pitch for one night."""
        try:
            rate = self.pitches[kind]
        except KeyError:
            raise UnknownPitch(f"no rate for pitch '{kind}'") from None
        season = self.season_on(day) if day is not None else None
        if season is None:
            return rate
        return (rate * season.percent + 50) // 100

    def people_rate(self, adults: int, children: int) -> int:
        """Return the price of a party for one night."""
        return adults * self.adult + children * self.child
