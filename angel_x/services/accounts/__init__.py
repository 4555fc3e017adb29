"""Accounts, access, portfolios and what is read of them."""
