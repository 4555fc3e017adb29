"""Metrics, memory reports, invariants and backlogs."""
