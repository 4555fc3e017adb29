"""Many commands in one write and their replies in one read.

A pipeline of redis-py hands every large argument to the kernel on its own: for a thousand blocks of
some kilobytes that takes longer than the server needs to store them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from redis.backoff import NoBackoff
from redis.exceptions import ResponseError
from redis.retry import Retry

if TYPE_CHECKING:
    from redis import Redis

#: A connection that was kept may have ended, or been reset, since it was used last, or may be while
#: it is used.  If a second one breaks too, the server is unavailable.
_ONCE_MORE = Retry(NoBackoff(), 1)
#: A part of a command; a memoryview is copied once, into the write.
Part = bytes | memoryview


def command(*arguments: Part) -> list[Part]:
    """Return a command as the server reads it, in parts to be joined."""
    parts: list[Part] = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        parts += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return parts


def exchange(client: Redis, commands: Sequence[Sequence[Part]]) -> list[Any]:
    """Send all commands at once and return their replies, in order.

    When the connection breaks, all commands are sent once more on a new one, although the server may
    have executed some.  So every command must be idempotent.

    Raises:
        RedisError: The server is unavailable, or refused a command; the others are executed.
    """
    if not commands:
        return []
    packed = b"".join(part for parts in commands for part in parts)
    connection: Any = client.connection_pool.get_connection()
    try:
        replies: list[Any] = _ONCE_MORE.call_with_retry(
            lambda: _exchanged(connection, packed, len(commands)),
            lambda _error: connection.disconnect(),
        )
    finally:
        client.connection_pool.release(connection)
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise reply
    return replies


def _exchanged(connection: Any, packed: bytes, count: int) -> list[Any]:  # noqa: ANN401 - redis-py types half of itself
    connection.send_packed_command([packed])
    try:
        return [_reply(connection) for _ in range(count)]
    except BaseException:
        # Unread bytes would be taken for the reply to the next command.
        connection.disconnect()
        raise


def _reply(connection: Any) -> Any:  # noqa: ANN401 - any reply of the server
    try:
        return connection.read_response()
    except ResponseError as error:
        # The replies that follow have to be read, or the next command would get them.
        return error
