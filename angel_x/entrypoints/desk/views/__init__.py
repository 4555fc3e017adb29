"""The content of the pages as plain values."""
