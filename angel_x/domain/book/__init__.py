"""The book of an account: positions, ledger, charges, limits and what may be decided."""
