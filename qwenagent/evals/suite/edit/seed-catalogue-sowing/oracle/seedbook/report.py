"""Prints packets as a table."""

from collections.abc import Sequence

from seedbook.packet import Packet

_HEADINGS = ("Code", "Name", "Price")


def _render(headings: Sequence[str], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = []
    for heading, cell, width in zip(headings, cells, widths, strict=True):
        padded.append(cell.rjust(width) if heading == "Price" else cell.ljust(width))
    return "  ".join(padded).rstrip()


def table(packets: Sequence[Packet]) -> str:
    """Return a table of the packets with a sum at the end, or ``no packets``."""
    if not packets:
        return "no packets"
    headings = list(_HEADINGS)
    rows = [[packet.code, packet.name, packet.price_text()] for packet in packets]
    if any(packet.sow for packet in packets):
        headings.append("Sow")
        for row, packet in zip(rows, packets, strict=True):
            row.append(packet.sow_text())
    widths = [max(len(cell) for cell in column) for column in zip(headings, *rows, strict=True)]
    lines = [_render(headings, headings, widths)]
    lines.append("  ".join("-" * width for width in widths))
    lines.extend(_render(headings, row, widths) for row in rows)
    total = sum(packet.price for packet in packets)
    lines.append(f"{len(packets)} packets, {total // 100}.{total % 100:02d}")
    return "\n".join(lines)
