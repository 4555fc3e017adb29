"""A fake of Angel One's exchange gateway on one machine: REST, sockets, a matching engine and faults."""
