"""The Python client of the API: typed, pooled, and safe to retry.

Every order carries a client order id, made here where the caller gives none, so sending it again
can never trade it twice.  :class:`AsyncClient` has the same calls for an event loop.
"""

from angel_x.client.asynchronous import AsyncClient
from angel_x.client.blocking import Client
from angel_x.client.connection import OrderFields, Price

__all__ = ["AsyncClient", "Client", "OrderFields", "Price"]
