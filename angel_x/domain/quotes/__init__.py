"""Quotes, ticks and the quantity displayed."""
