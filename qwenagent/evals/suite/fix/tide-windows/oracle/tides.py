"""Finds out when a boat can pass the sill of a harbour.

A tide table is a list of readings, ordered by time. A reading is a pair of a time in minutes after
midnight and the height of the water over the sill in centimetres.
"""

Reading = tuple[int, int]


def required_height(draught: int, margin: int = 30) -> int:
    """Return the height of water that a boat needs, in centimetres."""
    if draught <= 0:
        raise ValueError("draught must be positive")
    return draught + max(margin, draught // 10)


def windows(table: list[Reading], needed: int) -> list[tuple[int, int]]:
    """Return the times in which the water is high enough.

    A window is a pair of the first and the last time of consecutive readings that are all at least
    ``needed``. It can be a single reading, in which case both times are the same.
    """
    found = []
    opened = None
    previous = None
    for time, height in table:
        if height >= needed:
            if opened is None:
                opened = time
        elif opened is not None:
            found.append((opened, previous))
            opened = None
        previous = time
    if opened is not None:
        found.append((opened, previous))
    return found


def clock(time: int) -> str:
    """Return minutes after midnight as hours and minutes."""
    return f"{time // 60:02d}:{time % 60:02d}"


def passage_times(table: list[Reading], draught: int) -> list[str]:
    """Return the windows for a boat as they are written on the board."""
    needed = required_height(draught)
    return [f"{clock(first)}-{clock(last)}" for first, last in windows(table, needed)]


def longest_window(table: list[Reading], draught: int) -> int:
    """Return the length of the longest window in minutes, 0 if there is none."""
    needed = required_height(draught)
    return max((last - first for first, last in windows(table, needed)), default=0)
