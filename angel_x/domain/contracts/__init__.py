"""Option contracts, their rules, and the universe of listed ones."""
