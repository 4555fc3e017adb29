"""Sessions of the exchange, expiries and times of day."""
