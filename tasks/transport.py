"""Celery's Redis transport, which survives items that are no messages.

kombu parses an item after it has left its list, and a parse error ends the worker.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import kombu.transport
from kombu.transport import redis, virtual
from kombu.transport.virtual import Message

from angel_x.domain.orders.step import Step
from tasks import runtime
from tasks.drops import Dropped, drop


class EnvelopeError(ValueError):
    """An item of a queue is JSON, and no message."""


class Envelope(Message):
    """A message whose envelope is validated."""

    def __init__(self, payload: object, channel: object = None, **options: object) -> None:
        if not isinstance(payload, dict) or not isinstance(payload.get("headers"), dict):
            raise EnvelopeError("expected an object with headers")
        properties = payload.get("properties")
        if not isinstance(properties, dict) or not {"delivery_tag", "delivery_info"} <= set(
            properties
        ):
            raise EnvelopeError("expected properties with delivery_tag and delivery_info")
        super().__init__(payload, channel=channel, **options)  # type: ignore[no-untyped-call]


class QoS(redis.QoS):
    """Counts the unacknowledged messages of a worker; at the limit the worker takes no more.

    kombu keeps the place of a message whose acknowledgement fails, so that a worker without free
    places takes no messages any more; and the worker ends when messages of a closed connection cannot
    be restored, or when a task that began before the connection broke ends after it.  In all these
    cases they are redelivered after the visibility timeout.
    """

    def ack(self, delivery_tag: str) -> None:
        with self._giving_up_place(delivery_tag):
            if not self._is_cut:
                super().ack(delivery_tag)  # type: ignore[no-untyped-call]  # kombu types half of itself

    def reject(self, delivery_tag: str, requeue: bool = False) -> None:  # noqa: FBT001, FBT002 - kombu's signature
        with self._giving_up_place(delivery_tag):
            if not self._is_cut:
                super().reject(delivery_tag, requeue=requeue)  # type: ignore[no-untyped-call]

    @property
    def _is_cut(self) -> bool:
        """Return whether the connection of the messages is closed; the worker has another one by now."""
        return self.channel.connection is None

    def restore_unacked(self, client: object = None) -> None:
        try:
            if self.channel.connection.client is not None:
                super().restore_unacked(client)  # type: ignore[no-untyped-call]
        finally:
            self._delivered.clear()

    @contextmanager
    def _giving_up_place(self, delivery_tag: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            virtual.QoS.ack(self, delivery_tag)  # type: ignore[no-untyped-call]
            raise


class Channel(redis.Channel):
    """Reads the lists."""

    Message = Envelope
    QoS = QoS

    def _brpop_start(self, timeout: float | None = None) -> None:
        super()._brpop_start(timeout)  # type: ignore[no-untyped-call]
        consumption = runtime.consumption()
        if consumption is not None and self._in_poll is not None:
            consumption.asked(self.active_queues, lambda: self.client)

    def _brpop_read(self, **options: object) -> bool | None:
        try:
            return bool(super()._brpop_read(**options))  # type: ignore[no-untyped-call]
        # JSON, UTF-8 and base64 that cannot be read are all ValueErrors.
        except ValueError as error:
            drop(Dropped.UNREADABLE, detail=str(error))
            return None


class SentinelChannel(Channel, redis.SentinelChannel):
    """Reads the lists of the master that Sentinels name."""


class Transport(redis.Transport):
    """The transport that :func:`install` puts in the place of kombu's."""

    Channel = Channel

    def _deliver(self, message: object, queue: str) -> None:
        runtime.at()(Step.MESSAGE_TAKEN)
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


class SentinelTransport(Transport, redis.SentinelTransport):
    """The same for addresses of Sentinels."""

    Channel = SentinelChannel


def install() -> None:
    """Make every Redis connection of this process use the transport."""
    for scheme in ("redis", "rediss"):
        kombu.transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
    kombu.transport.TRANSPORT_ALIASES["sentinel"] = f"{__name__}:SentinelTransport"
