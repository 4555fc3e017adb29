"""``angel-x soak``: half a load for a long time, and the proof that no process grows."""
