"""One packet of seed as it stands in the catalogue."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Packet:
    """A packet of seed; the price is in pence."""

    code: str
    name: str
    price: int
    tags: frozenset[str] = frozenset()

    def has_tags(self, wanted: frozenset[str]) -> bool:
        """Tell whether the packet has all of these tags."""
        return wanted <= self.tags

    def price_text(self) -> str:
        """Return the price as it is printed, in pounds."""
        return f"{self.price // 100}.{self.price % 100:02d}"
