"""Prices and receipts for a small parcel service."""
