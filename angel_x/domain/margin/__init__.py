"""SPAN-style margin: risk arrays, scenarios and the worst case of a portfolio."""
