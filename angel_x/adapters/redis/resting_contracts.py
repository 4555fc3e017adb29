"""The contracts in which orders rest, as far as they were seen lately."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from redis import Redis

_KEY = "ax:resting"
#: Stands for more contracts than are named.
_MANY = "*"
_MOST = 1_000


class RedisRestingContracts:
    """A set that forgets a contract ``keep_seconds`` after it was last noted."""

    def __init__(
        self, client: Redis, clock: Callable[[], datetime], *, keep_seconds: float
    ) -> None:
        self._client = client
        self._clock = clock
        self._keep_seconds = keep_seconds

    def note(self, symbols: Collection[str]) -> None:
        """Note that orders rest in these contracts; a second call keeps them for longer."""
        if not symbols:
            return
        now = self._clock().timestamp()
        named = symbols if len(symbols) <= _MOST else [_MANY]
        self._client.zadd(_KEY, dict.fromkeys(named, now))

    def symbols(self) -> set[str] | None:
        since = self._clock().timestamp() - self._keep_seconds
        pipeline = self._client.pipeline(transaction=False)
        pipeline.zremrangebyscore(_KEY, "-inf", f"({since}")
        pipeline.zrange(_KEY, 0, _MOST)
        _, found = cast("tuple[int, list[bytes]]", pipeline.execute())
        symbols = {symbol.decode() for symbol in found}
        return None if len(symbols) > _MOST or _MANY in symbols else symbols
