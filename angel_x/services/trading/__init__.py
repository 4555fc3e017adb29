"""Execution, matching, amendment, cancellation and expiry of orders."""
