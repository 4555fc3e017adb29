"""Clients of Redis and Valkey, for every format of their addresses."""

from __future__ import annotations

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from config.addresses import SentinelAddress, is_sentinel

#: Seconds for the answer of one Sentinel; the next one is asked after that.
_SENTINEL_SECONDS = 1.0


def connect(url: str, **options: object) -> redis.Redis:
    """Return a client of the server at an address, without connecting.

    Where the address names Sentinels, each new connection asks them for the master.  ``options`` are
    those of :meth:`redis.Redis.from_url`.
    """
    if not is_sentinel(url):
        return redis.Redis.from_url(url, **options)
    address = SentinelAddress.parse(url)
    sentinels = Sentinel(  # type: ignore[no-untyped-call]
        list(address.hosts),
        sentinel_kwargs={
            "socket_timeout": _SENTINEL_SECONDS,
            "socket_connect_timeout": _SENTINEL_SECONDS,
            "retry": Retry(NoBackoff(), 0),
            **address.sentinel_options,
        },
        db=address.database,
        username=address.username,
        password=address.password,
        **options,
    )
    client: redis.Redis = sentinels.master_for(address.master)  # type: ignore[no-untyped-call]
    return client
