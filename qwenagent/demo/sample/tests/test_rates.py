import unittest

from parcel.rates import base_price, price


class BasePrice(unittest.TestCase):
    def test_inside_a_band(self):
        self.assertEqual(base_price(0.5), 390)
        self.assertEqual(base_price(7), 980)

    def test_exactly_the_heaviest_weight_of_a_band(self):
        self.assertEqual(base_price(1), 390)
        self.assertEqual(base_price(5), 650)
        self.assertEqual(base_price(30), 1890)

    def test_too_heavy(self):
        with self.assertRaises(ValueError):
            base_price(31)


class Price(unittest.TestCase):
    def test_zone(self):
        self.assertEqual(price(2, "near"), 1300)

    def test_unknown_zone(self):
        with self.assertRaises(ValueError):
            price(2, "moon")
