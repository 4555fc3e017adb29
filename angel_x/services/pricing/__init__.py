"""Pricing of option chains, and what is kept of it."""
