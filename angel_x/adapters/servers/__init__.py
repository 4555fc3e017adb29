"""PostgreSQL, the message broker and the cache: given by URL, else started here over unix sockets."""

from angel_x.adapters.servers.running import RunningServers, erase, start_servers
from angel_x.adapters.servers.urls import ServerUrls

__all__ = ["RunningServers", "ServerUrls", "erase", "start_servers"]
