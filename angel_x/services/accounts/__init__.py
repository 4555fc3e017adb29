"""Accounts, API keys, portfolios, and the read models of an account."""
