"""Receipts as text."""

from parcel.rates import price


def receipt_line(weight_kg, zone):
    """Return one line of a receipt, for example "2 kg to home: 6.50 EUR"."""
    cents = price(weight_kg, zone)
    euros = cents // 100
    rest = cents % 100
    return f"{weight_kg} kg to {zone}: {euros}.{rest:02d} EUR"


def receipt_footer(order):
    """Return the last line of a receipt, for example "Total: 13.00 EUR"."""
    cents = order.total()
    euros = cents // 100
    rest = cents % 100
    return f"Total: {euros}.{rest:02d} EUR"
