"""Angel One's SmartAPI: the client, and what the venue needs of it."""
