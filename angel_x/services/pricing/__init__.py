"""Pricing of option chains, and the archive of Greeks."""
