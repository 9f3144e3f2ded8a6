import unittest

from parcel.orders import Order


def order_of(*parcels):
    order = Order("Ada")
    for weight_kg, zone in parcels:
        order.add(weight_kg, zone)
    return order


class Total(unittest.TestCase):
    def test_sum(self):
        self.assertEqual(order_of((2, "home"), (0.5, "far")).total(), 650 + 1170)

    def test_empty(self):
        self.assertEqual(order_of().total(), 0)


class Discount(unittest.TestCase):
    def test_percent_off_the_total(self):
        self.assertEqual(order_of((2, "home")).discounted_total(10), 585)

    def test_rounds_down_to_whole_cents(self):
        self.assertEqual(order_of((0.5, "home")).discounted_total(33), 261)

    def test_nothing_off(self):
        self.assertEqual(order_of((2, "home")).discounted_total(0), 650)

    def test_percent_out_of_range(self):
        for percent in (-1, 101):
            with self.assertRaises(ValueError):
                order_of((2, "home")).discounted_total(percent)
