"""A play on one host: its entries become resources, their answers results."""
