"""The tally board in a bird hide."""


class TallyBoard:
    """Counts the birds that visitors have seen, by species."""

    def note(self, species: str, count: int = 1) -> None:
        """Add ``count`` birds of ``species``."""
        raise NotImplementedError

    def count(self, species: str) -> int:
        """Return how many birds of ``species`` were noted."""
        raise NotImplementedError

    def total(self) -> int:
        """Return how many birds were noted altogether."""
        raise NotImplementedError

    def lines(self) -> list[str]:
        """Return one line for each species, in alphabetical order."""
        raise NotImplementedError
