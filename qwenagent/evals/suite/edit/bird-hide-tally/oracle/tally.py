"""The tally board in a bird hide."""


class TallyBoard:
    """Counts the birds that visitors have seen, by species."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._names: dict[str, str] = {}

    def note(self, species: str, count: int = 1) -> None:
        """Add ``count`` birds of ``species``."""
        name = species.strip()
        if count < 1:
            raise ValueError("count must be at least 1")
        if not name:
            raise ValueError("species is empty")
        key = name.lower()
        self._names.setdefault(key, name)
        self._counts[key] = self._counts.get(key, 0) + count

    def count(self, species: str) -> int:
        """Return how many birds of ``species`` were noted."""
        return self._counts.get(species.strip().lower(), 0)

    def total(self) -> int:
        """Return how many birds were noted altogether."""
        return sum(self._counts.values())

    def lines(self) -> list[str]:
        """Return one line for each species, the most frequent first."""
        ordered = sorted(self._counts.items(), key=lambda item: (-item[1], item[0]))
        return [f"{self._names[key]}: {count}" for key, count in ordered]
