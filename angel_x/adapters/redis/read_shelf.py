"""The newest answers of reads that processes share, each in one hash with the count of its reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

# The count and the answer are one key, so that they are lost together: a count that begins again must not
# make an old answer look new.
_BEGIN = """
local number = redis.call('HINCRBY', KEYS[1], 'begun', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return number
"""
# A read that began before the key was lost has no place in the new one.
_PUT = """
local begun = tonumber(redis.call('HGET', KEYS[1], 'begun') or 0)
local kept = tonumber(redis.call('HGET', KEYS[1], 'number') or 0)
local number = tonumber(ARGV[1])
if number <= begun and number > kept then
    redis.call('HSET', KEYS[1], 'number', number, 'answer', ARGV[2])
end
"""
_NEWER = """
local kept = tonumber(redis.call('HGET', KEYS[1], 'number') or 0)
if kept > tonumber(ARGV[1]) then return redis.call('HGET', KEYS[1], 'answer') end
return false
"""
_KEPT_MILLISECONDS = 60_000


class RedisShelf:
    """Keeps answers for a minute after the last read of their name has begun."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._begin = client.register_script(_BEGIN)
        self._put = client.register_script(_PUT)
        self._newer = client.register_script(_NEWER)

    def begun(self, name: str) -> int:
        return int(cast("bytes | None", self._client.hget(_key(name), "begun")) or 0)

    def begin(self, name: str) -> int:
        return int(self._begin(keys=[_key(name)], args=[_KEPT_MILLISECONDS]))

    def put(self, name: str, number: int, answer: bytes) -> None:
        self._put(keys=[_key(name)], args=[number, answer])

    def newer(self, name: str, number: int) -> bytes | None:
        found = self._newer(keys=[_key(name)], args=[number])
        return None if found is None else bytes(found)


def _key(name: str) -> str:
    return f"ax:reads:{name}"
