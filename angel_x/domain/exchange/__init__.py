"""The paper exchange: matching, price protection, slippage and latency."""
