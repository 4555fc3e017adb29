"""Trading controls: kill switch, halts and risk limits."""
