"""Texts for the tablet of a museum guide."""


def screen_text(rooms: list[str], index: int) -> str:
    """Return the text to show while the group walks to ``rooms[index]``."""
    raise NotImplementedError
