"""Bytes as people read them."""

from __future__ import annotations


def human_bytes(n_bytes: int | float) -> str:
    """Return e.g. "491 MB" or "1.12 GB" (powers of ten, as the hub and disks count)."""
    if n_bytes >= 1e9:
        return f"{n_bytes / 1e9:.2f} GB"
    if n_bytes >= 1e6:
        return f"{n_bytes / 1e6:.0f} MB"
    return f"{n_bytes:.0f} bytes"
