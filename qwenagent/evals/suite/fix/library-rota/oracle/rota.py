"""Makes the weekly rota of a branch library.

The rota says who is at which desk and when. Days are counted from 0 (Monday), times are whole
hours.
"""

from collections import defaultdict
from dataclasses import dataclass, field

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
REST_HOURS = 11


class RotaError(ValueError):
    """The wishes for a rota contradict each other."""


@dataclass(frozen=True)
class Shift:
    """A desk that has to be staffed for some hours of a day."""

    desk: str
    day: int
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.day < len(DAYS):
            raise RotaError(f"no day {self.day}")
        if not 0 <= self.start < self.end <= 24:
            raise RotaError(f"{self.desk}: bad hours {self.start}-{self.end}")

    @property
    def hours(self) -> int:
        """Return how long the shift lasts."""
        return self.end - self.start

    @property
    def first_hour(self) -> int:
        """Return the start in hours since the beginning of the week."""
        return self.day * 24 + self.start

    @property
    def last_hour(self) -> int:
        """Return the end in hours since the beginning of the week."""
        return self.day * 24 + self.end

    def label(self) -> str:
        """Return the shift as it is printed."""
        return f"{DAYS[self.day]} {self.start:02d}-{self.end:02d} {self.desk}"


@dataclass(frozen=True)
class Person:
    """Somebody who works at the library."""

    name: str
    desks: frozenset[str]
    max_hours: int
    days_off: frozenset[int] = frozenset()


@dataclass
class Rota:
    """Who does which shift, and which shifts nobody can do."""

    assigned: dict[Shift, str] = field(default_factory=dict)
    unfilled: list[Shift] = field(default_factory=list)

    def shifts_of(self, name: str) -> list[Shift]:
        """Return the shifts of a person in order of time."""
        own = [shift for shift, person in self.assigned.items() if person == name]
        return sorted(own, key=_by_time)

    def hours_of(self, name: str) -> int:
        """Return how many hours a person works in this week."""
        return sum(shift.hours for shift in self.shifts_of(name))


def _by_time(shift: Shift) -> tuple[int, int, str]:
    return shift.first_hour, shift.last_hour, shift.desk


def _overlaps(one: Shift, other: Shift) -> bool:
    return one.first_hour < other.last_hour and other.first_hour < one.last_hour


def _too_little_rest(one: Shift, other: Shift) -> bool:
    """Tell whether shifts on different days are closer than the rest that is due."""
    if one.day == other.day:
        return False
    earlier, later = sorted((one, other), key=_by_time)
    return later.first_hour - earlier.last_hour < REST_HOURS


def _is_available(person: Person, shift: Shift, rota: Rota) -> bool:
    if shift.desk not in person.desks or shift.day in person.days_off:
        return False
    if rota.hours_of(person.name) + shift.hours > person.max_hours:
        return False
    return not any(
        _overlaps(shift, own) or _too_little_rest(shift, own) for own in rota.shifts_of(person.name)
    )


def _choose(shift: Shift, staff: list[Person], rota: Rota) -> Person | None:
    """Return the available person with the fewest hours so far, by name if there are several."""
    available = [person for person in staff if _is_available(person, shift, rota)]
    if not available:
        return None
    return min(available, key=lambda person: (rota.hours_of(person.name), person.name))


def build_rota(
    shifts: list[Shift], staff: list[Person], fixed: dict[Shift, str] | None = None
) -> Rota:
    """Give each shift to somebody.

    The shifts in ``fixed`` are assigned beforehand as they are. The others follow in order of time.
    """
    known = {person.name for person in staff}
    if len(known) != len(staff):
        raise RotaError("two people have the same name")
    rota = Rota()
    for shift, name in (fixed or {}).items():
        if name not in known:
            raise RotaError(f"{shift.label()}: nobody is called {name}")
        rota.assigned[shift] = name
    for shift in sorted(shifts, key=_by_time):
        if shift in rota.assigned:
            continue
        person = _choose(shift, staff, rota)
        if person is None:
            rota.unfilled.append(shift)
        else:
            rota.assigned[shift] = person.name
    return rota


def day_sheet(rota: Rota, day: int) -> list[str]:
    """Return the lines of the notice for one day, open shifts included."""
    lines = {shift: name for shift, name in rota.assigned.items() if shift.day == day}
    lines.update({shift: "open" for shift in rota.unfilled if shift.day == day})
    return [f"{shift.label()}: {lines[shift]}" for shift in sorted(lines, key=_by_time)]


def hours_by_desk(rota: Rota) -> dict[str, int]:
    """Return how many hours each desk is staffed, by name of the desk."""
    hours: dict[str, int] = defaultdict(int)
    for shift in rota.assigned:
        hours[shift.desk] += shift.hours
    return dict(sorted(hours.items()))
