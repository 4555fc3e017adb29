"""``angel-x chaos``: the whole system under a storm of faults, and the proof that no order suffered."""
