"""``angel-x demo``: the whole system shows what it can do, and proves that nothing went wrong."""
