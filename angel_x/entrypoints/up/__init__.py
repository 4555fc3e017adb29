"""The whole system on one machine: its servers, its processes, and what a fresh home is given."""
