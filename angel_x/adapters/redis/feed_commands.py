"""Commands to the running feed, through a list in Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import msgspec
import structlog

from angel_x.domain.feed.feed_state import FeedCommand

if TYPE_CHECKING:
    from redis import Redis

log = structlog.get_logger()

_KEY = "ax:feed:commands"
#: A feed that starts later is not meant.
_LIFE_SECONDS = 5


class RedisFeedCommands:
    """Commands in the order of sending; each is taken once."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    def send(self, command: FeedCommand) -> None:
        """Send a command; it expires if no feed takes it within seconds."""
        pipeline = self._client.pipeline(transaction=True)
        pipeline.rpush(_KEY, msgspec.json.encode(command))
        pipeline.expire(_KEY, _LIFE_SECONDS)
        pipeline.execute()

    def take(self) -> FeedCommand | None:
        """Return the next command, None where there is none or it makes no sense."""
        stored = cast("bytes | None", self._client.lpop(_KEY))
        if stored is None:
            return None
        try:
            return msgspec.json.decode(stored, type=FeedCommand)
        except msgspec.MsgspecError as error:
            log.warning("feed_command.dropped", error=str(error))
            return None
