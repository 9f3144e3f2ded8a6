"""Texts that remind recipients of their parcels."""

from lockers.bank import Bank
from lockers.parcels import Parcel


def notice(parcel: Parcel, day: int) -> str | None:
    """Return what to tell the recipient of `parcel` on `day`, or None if there is time."""
    left = parcel.last_day() - day
    if left > 2:
        return None
    if left == 2:
        return f"{parcel.recipient}: parcel {parcel.number} waits for you for 2 more days."
    if left == 1:
        return f"{parcel.recipient}: parcel {parcel.number} waits for you until tomorrow."
    if left == 0:
        return f"{parcel.recipient}: today is the last day for parcel {parcel.number}."
    return f"{parcel.recipient}: parcel {parcel.number} goes back to its sender."


def notices(bank: Bank, day: int) -> list[str]:
    """Return the notices for all parcels in `bank`, by box."""
    texts = []
    for box in bank.occupied():
        parcel = bank.content(box)
        text = notice(parcel, day) if parcel is not None else None
        if text is not None:
            texts.append(text)
    return texts
