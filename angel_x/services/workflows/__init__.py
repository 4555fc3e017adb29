"""Baskets, square-offs and the intraday cut-off."""
