"""The units taken of displayed sizes, in Redis: one hash a universe, one script a batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np

from angel_x.domain.quotes.liquidity import CLAIM

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from redis import Redis

    from angel_x.domain.contracts.universe import Universe

# A claim is cut up by the offsets of CLAIM: contract and side name the field, price, size and volume
# identify the quote.  A field holds the time of the quote, the units taken, and its identity.
# A quote that is no newer than another one is old news to us, and gets nothing.
_TAKE = """
local claims, size = ARGV[1], tonumber(ARGV[2])
local fields, count = {}, #claims / size
for i = 1, count do
    local at = (i - 1) * size
    fields[i] = string.sub(claims, at + 1, at + 8)
end
local stored = redis.call('HMGET', KEYS[1], unpack(fields))
local changes, answers, latest = {}, {}, {}
for i = 1, count do
    local at = (i - 1) * size
    local time = struct.unpack('<i8', claims, at + 9)
    local quote = string.sub(claims, at + 17, at + 32)
    local displayed, wanted = struct.unpack('<i8i8', claims, at + 33)
    local taken = 0
    local known = latest[fields[i]] or stored[i]
    if known then
        local known_time, known_taken = struct.unpack('<i8i8', known)
        if string.sub(known, 17) == quote then
            taken, time = known_taken, math.max(time, known_time)
        elseif time <= known_time then
            taken = displayed
        end
    end
    local granted = math.max(0, math.min(wanted, displayed - taken))
    if granted > 0 then
        latest[fields[i]] = struct.pack('<i8i8', time, taken + granted) .. quote
        changes[#changes + 1] = fields[i]
        changes[#changes + 1] = latest[fields[i]]
    end
    answers[i] = struct.pack('<i8', granted)
end
if #changes > 0 and ARGV[4] == '1' then
    redis.call('HSET', KEYS[1], unpack(changes))
    redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return table.concat(answers)
"""
#: Lua hands on some 8,000 values at once, and a change is two.
_AT_ONCE = 2_000


class RedisLiquidity:
    """The units taken of quotes, which expire ``ttl_seconds`` after the last take.

    Boards of other rooms take the same sizes once more.
    """

    def __init__(self, client: Redis, *, ttl_seconds: int, room: str = "ax:taken") -> None:
        self._take = client.register_script(_TAKE)
        self._ttl_seconds = ttl_seconds
        self._room = room

    def take(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        return self._granted(universe, claims, takes=True)

    def left(self, universe: Universe, claims: NDArray[np.void]) -> NDArray[np.int64]:
        return self._granted(universe, claims, takes=False)

    def _granted(
        self, universe: Universe, claims: NDArray[np.void], *, takes: bool
    ) -> NDArray[np.int64]:
        key, options = (
            f"{self._room}:{universe.version}",
            (CLAIM.itemsize, self._ttl_seconds, int(takes)),
        )
        pieces = (claims[i : i + _AT_ONCE] for i in range(0, len(claims), _AT_ONCE))
        granted = (self._take(keys=[key], args=(piece.tobytes(), *options)) for piece in pieces)
        return np.frombuffer(b"".join(cast("Iterator[bytes]", granted)), np.dtype("<i8"))
