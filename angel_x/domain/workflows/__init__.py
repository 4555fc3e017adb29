"""Baskets and square-offs, advanced step by step."""
