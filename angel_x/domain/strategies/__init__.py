"""Option strategies: their legs, names, payoffs, scenarios and concentration."""
