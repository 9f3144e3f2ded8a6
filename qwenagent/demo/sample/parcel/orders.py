"""Orders: several parcels sent by one customer."""

from parcel.rates import price


class Order:
    """The parcels of one customer."""

    def __init__(self, customer):
        self.customer = customer
        self.parcels = []

    def add(self, weight_kg, zone):
        """Add a parcel."""
        self.parcels.append((weight_kg, zone))

    def total(self):
        """Return the price of all parcels in cents."""
        return sum(price(weight_kg, zone) for weight_kg, zone in self.parcels)
