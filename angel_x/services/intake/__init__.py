"""Submission of orders: parsing, checks, admission and acceptance."""
