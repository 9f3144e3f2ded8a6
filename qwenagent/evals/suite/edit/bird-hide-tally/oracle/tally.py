"""The tally board in a bird hide."""


class TallyBoard:
    """Counts the birds that visitors have seen, by species."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}

    def note(self, species: str, count: int = 1) -> None:
        """Add ``count`` birds of ``species``."""
        if count < 1:
            raise ValueError("count must be at least 1")
        self._counts[species] = self._counts.get(species, 0) + count

    def count(self, species: str) -> int:
        """Return how many birds of ``species`` were noted."""
        return self._counts.get(species, 0)

    def total(self) -> int:
        """Return how many birds were noted altogether."""
        return sum(self._counts.values())

    def lines(self) -> list[str]:
        """Return one line for each species, in alphabetical order."""
        return [f"{species}: {count}" for species, count in sorted(self._counts.items())]
