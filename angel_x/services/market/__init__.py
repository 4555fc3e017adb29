"""The feed, quotes and the listing of contracts."""
