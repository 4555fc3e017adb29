"""Faults of the cache."""

from __future__ import annotations

from contextlib import closing
from random import Random
from uuid import uuid4

from redis.backoff import NoBackoff
from redis.retry import Retry

from angel_x.adapters.redis.connecting import connect
from angel_x.rehearsal.chaos.environment import Environment, Unverified
from angel_x.rehearsal.chaos.fault import Kind

_SOCKET_SECONDS = 5


def _cache(environment: Environment) -> list[str]:
    return ["cache"] if environment.cache_url else []


def flush(environment: Environment, target: str, random: Random) -> str:  # noqa: ARG001 - an Injection
    """Remove every key."""
    mark = f"chaos:{uuid4().hex}"
    made = connect(
        environment.cache_url, socket_timeout=_SOCKET_SECONDS, retry=Retry(NoBackoff(), 0)
    )
    with closing(made) as cache:
        cache.set(mark, 1, ex=120)
        keys = cache.dbsize()
        cache.flushall()
        if cache.exists(mark):
            raise Unverified("a key is still there")
    return f"{keys} keys are gone"


KINDS = (Kind("cache flushed", 2, _cache, flush),)
