"""Finds packets in the catalogue."""

from collections.abc import Iterable
from dataclasses import dataclass

from seedbook.packet import Packet


@dataclass(frozen=True)
class Query:
    """What to look for; a condition that is not given matches every packet."""

    words: str = ""
    tags: frozenset[str] = frozenset()
    max_price: int | None = None
    month: int | None = None


def _matches(packet: Packet, query: Query) -> bool:
    name = packet.name.lower()
    if not all(word in name for word in query.words.lower().split()):
        return False
    if query.max_price is not None and packet.price > query.max_price:
        return False
    if query.month is not None and not packet.sowable_in(query.month):
        return False
    return packet.has_tags(query.tags)


def find(packets: Iterable[Packet], query: Query) -> list[Packet]:
    """Return the packets that meet all conditions, by name and then by code."""
    if query.month is not None and not 1 <= query.month <= 12:
        raise ValueError(f"month must be 1 to 12, not {query.month}")
    found = [packet for packet in packets if _matches(packet, query)]
    return sorted(found, key=lambda packet: (packet.name.lower(), packet.code))
