"""The whole system on one machine: its servers, its processes, and the preparation of a new home."""
