"""Replies to senders of messages that asked for the outcome.

A reply may be lost, an order may not: a reply that cannot be written is logged and forgotten, and the
sender asks under the client order id, or sends the message again.
"""

from __future__ import annotations

from collections.abc import Callable

import structlog

log = structlog.get_logger()


#: Keeps the result of a message, plain JSON data, for its sender, and tells one that waits for it.
PutResult = Callable[[str, object], None]


class Replies:
    """Writes replies while the server of the results answers."""

    def __init__(
        self,
        put_result: PutResult,
        *,
        unreachable: tuple[type[Exception], ...],
        monotonic: Callable[[], float],
        retry_seconds: float = 2.0,
    ) -> None:
        self._put_result = put_result
        self._unreachable = unreachable
        self._monotonic = monotonic
        #: How long the server is left alone after a failure: every attempt may cost its timeout.
        self._retry_seconds = retry_seconds
        self._retry_at = float("-inf")

    def put(self, message_id: str, reply: object) -> None:
        """Write the reply to a message; a second one of the same message replaces the first."""
        if self._monotonic() < self._retry_at:
            log.warning(
                "reply.lost", message_id=message_id, error="the server did not answer before"
            )
            return
        try:
            self._put_result(message_id, reply)
        except self._unreachable as error:
            self._retry_at = self._monotonic() + self._retry_seconds
            log.warning("reply.lost", message_id=message_id, error=repr(error)[:200])
