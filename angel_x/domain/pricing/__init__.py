"""Option pricing on arrays: Greeks, implied volatility and the forward that a chain implies."""
