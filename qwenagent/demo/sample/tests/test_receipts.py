import unittest
from unittest import mock

from parcel import receipts
from parcel.orders import Order


class Receipt(unittest.TestCase):
    def test_line(self):
        self.assertEqual(receipts.receipt_line(2, "home"), "2 kg to home: 6.50 EUR")

    def test_footer(self):
        order = Order("Ada")
        order.add(2, "home")
        order.add(2, "home")
        self.assertEqual(receipts.receipt_footer(order), "Total: 13.00 EUR")


class FormatMoney(unittest.TestCase):
    def test_two_digits(self):
        self.assertEqual(receipts.format_money(1305), "13.05 EUR")
        self.assertEqual(receipts.format_money(7), "0.07 EUR")

    def test_both_functions_use_it(self):
        with mock.patch.object(receipts, "format_money", return_value="X"):
            self.assertTrue(receipts.receipt_line(2, "home").endswith("X"))
            self.assertTrue(receipts.receipt_footer(Order("Ada")).endswith("X"))
