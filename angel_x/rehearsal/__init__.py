"""Runs of a whole system that prove its promises: ``angel-x demo`` and ``angel-x chaos``.

They use the entry points as a user does, so nothing of the product imports this package.
"""
