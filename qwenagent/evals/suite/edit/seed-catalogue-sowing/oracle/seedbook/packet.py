"""One packet of seed as it stands in the catalogue."""

from dataclasses import dataclass

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


@dataclass(frozen=True)
class Packet:
    """A packet of seed; the price is in pence."""

    code: str
    name: str
    price: int
    tags: frozenset[str] = frozenset()
    sow: tuple[int, int] | None = None

    def has_tags(self, wanted: frozenset[str]) -> bool:
        """Tell whether the packet has all of these tags."""
        return wanted <= self.tags

    def price_text(self) -> str:
        """Return the price as it is printed, in pounds."""
        return f"{self.price // 100}.{self.price % 100:02d}"

    def sowable_in(self, month: int) -> bool:
        """Tell whether the month is inside the sowing window."""
        if self.sow is None:
            return False
        first, last = self.sow
        if first <= last:
            return first <= month <= last
        return month >= first or month <= last

    def sow_text(self) -> str:
        """Return the sowing window as it is printed."""
        if self.sow is None:
            return "-"
        first, last = (MONTHS[month - 1] for month in self.sow)
        return first if first == last else f"{first}-{last}"
