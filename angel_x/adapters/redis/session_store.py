"""Sealed sessions of the broker in Redis, and the turns in which they are begun and renewed."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

_END_TURN = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class RedisSessionStore:
    """One key for the session of a client, and one for its turn.  Both end by themselves."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._end_turn = client.register_script(_END_TURN)

    def read(self, client_code: str) -> bytes | None:
        return cast("bytes | None", self._client.get(_key(client_code)))

    def write(self, client_code: str, sealed: bytes, seconds: float) -> None:
        self._client.set(_key(client_code), sealed, px=_milliseconds(seconds))

    def remove(self, client_code: str) -> None:
        self._client.delete(_key(client_code))

    def take_turn(self, client_code: str, owner: str, seconds: float) -> bool:
        taken = self._client.set(_turn(client_code), owner, nx=True, px=_milliseconds(seconds))
        return taken is not None

    def end_turn(self, client_code: str, owner: str) -> None:
        self._end_turn(keys=[_turn(client_code)], args=[owner])


def _key(client_code: str) -> str:
    return f"ax:broker-session:{client_code}"


def _turn(client_code: str) -> str:
    return f"{_key(client_code)}:turn"


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
