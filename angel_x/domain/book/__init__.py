"""The book of an account: positions, ledger, margin, limits and trading states."""
