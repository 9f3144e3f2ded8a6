"""Prints packets as a table."""

from collections.abc import Sequence

from seedbook.packet import Packet

_HEADINGS = ("Code", "Name", "Price")


def _render(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = []
    for heading, cell, width in zip(_HEADINGS, cells, widths, strict=True):
        padded.append(cell.rjust(width) if heading == "Price" else cell.ljust(width))
    return "  ".join(padded).rstrip()


def table(packets: Sequence[Packet]) -> str:
    """Return a table of the packets with a sum at the end, or ``no packets``."""
    if not packets:
        return "no packets"
    rows = [(packet.code, packet.name, packet.price_text()) for packet in packets]
    widths = [max(len(cell) for cell in column) for column in zip(_HEADINGS, *rows, strict=True)]
    lines = [_render(_HEADINGS, widths)]
    lines.append("  ".join("-" * width for width in widths))
    lines.extend(_render(row, widths) for row in rows)
    total = sum(packet.price for packet in packets)
    lines.append(f"{len(packets)} packets, {total // 100}.{total % 100:02d}")
    return "\n".join(lines)
