"""Market data: recorded, generated and replayed, and the state of a feed."""
