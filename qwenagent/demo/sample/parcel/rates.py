"""What it costs to send a parcel."""

# (heaviest weight of the band in kilograms, price in cents)
BANDS = [(1, 390), (5, 650), (10, 980), (30, 1890)]

ZONE_FACTORS = {"home": 1, "near": 2, "far": 3}


def base_price(weight_kg):
    """Return the price in cents for the first band that the weight fits into.

    A weight that is exactly a band's heaviest weight still belongs to that band.
    """
    if weight_kg <= 0:
        raise ValueError("weight must be positive")
    for heaviest, cents in BANDS:
        if weight_kg < heaviest:
            return cents
    raise ValueError("parcel is too heavy")


def price(weight_kg, zone):
    """Return the price in cents for a weight and a zone."""
    if zone not in ZONE_FACTORS:
        raise ValueError(f"unknown zone: {zone}")
    return base_price(weight_kg) * ZONE_FACTORS[zone]
