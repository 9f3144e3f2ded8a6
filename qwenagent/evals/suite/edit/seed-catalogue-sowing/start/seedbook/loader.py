"""Reads the catalogue from text."""

from seedbook.packet import Packet


class CatalogueError(ValueError):
    """A line of the catalogue cannot be read."""


def _read_price(text: str, place: str) -> int:
    if not text.isdecimal():
        raise CatalogueError(f"{place}: bad price '{text}'")
    return int(text)


def _read_tags(text: str) -> frozenset[str]:
    return frozenset(tag.strip().lower() for tag in text.split(",") if tag.strip())


def _read_line(line: str, place: str) -> Packet:
    columns = [column.strip() for column in line.split("|")]
    if len(columns) not in (3, 4):
        raise CatalogueError(f"{place}: wrong number of columns")
    code, name, price, *rest = columns
    if not code or not name:
        raise CatalogueError(f"{place}: code or name is missing")
    return Packet(
        code=code,
        name=name,
        price=_read_price(price, place),
        tags=_read_tags(rest[0] if rest else ""),
    )


def load_catalogue(text: str) -> list[Packet]:
    """Return the packets in the order of their lines.

    Empty lines and lines that begin with ``#`` are left out. A code that is used twice is an error.
    """
    packets: dict[str, Packet] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        place = f"line {number}"
        packet = _read_line(line, place)
        if packet.code in packets:
            raise CatalogueError(f"{place}: code {packet.code} is used twice")
        packets[packet.code] = packet
    return list(packets.values())
