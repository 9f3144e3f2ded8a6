"""Texts for the tablet of a museum guide."""


def _plain(name: str) -> str:
    return name.strip().removesuffix("*").strip()


def _marked(name: str) -> str:
    if name.strip().endswith("*"):
        return f"{_plain(name)} (optional)"
    return _plain(name)


def screen_text(rooms: list[str], index: int) -> str:
    """Return the text to show while the group walks to ``rooms[index]``."""
    if not 0 <= index < len(rooms):
        raise IndexError(f"no room {index} on this tour of {len(rooms)} rooms")
    left = len(rooms) - index - 1
    if left == 0:
        return f"Last room: {_plain(rooms[index])}. The tour ends here."
    text = f"Next room: {_marked(rooms[index])}, then "
    if left == 1:
        return f"{text}{_plain(rooms[-1])}, the last room."
    return f"{text}{_marked(rooms[index + 1])}."
