"""The value and the Greeks of an account's portfolio."""
