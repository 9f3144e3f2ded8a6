"""Texts for the tablet of a museum guide."""


def screen_text(rooms: list[str], index: int) -> str:
    """Return the text to show while the group walks to ``rooms[index]``."""
    if not 0 <= index < len(rooms):
        raise IndexError(f"no room {index} on this tour of {len(rooms)} rooms")
    if index == len(rooms) - 1:
        return f"Last room: {rooms[index]}. The tour ends here."
    return f"Next room: {rooms[index]}, then {rooms[index + 1]}."
