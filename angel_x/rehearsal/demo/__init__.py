"""``angel-x demo``: a demonstration of the whole system, with proofs of its invariants."""
