"""Celery's Redis transport, made to survive what is not a message.

kombu parses an item after it has left its list, and lets the parser's error end the worker.
"""

from __future__ import annotations

import kombu.transport
from kombu.transport import redis
from kombu.transport.virtual import Message

from angel_x.domain.step import Step
from tasks import runtime
from tasks.drops import Dropped, drop


class EnvelopeError(ValueError):
    """An item of a queue is JSON, and no message."""


class Envelope(Message):
    """A message whose envelope has been looked at."""

    def __init__(self, payload: object, channel: object = None, **options: object) -> None:
        if not isinstance(payload, dict) or not isinstance(payload.get("headers"), dict):
            raise EnvelopeError("expected an object with headers")
        properties = payload.get("properties")
        if not isinstance(properties, dict) or not {"delivery_tag", "delivery_info"} <= set(
            properties
        ):
            raise EnvelopeError("expected properties with delivery_tag and delivery_info")
        super().__init__(payload, channel=channel, **options)  # type: ignore[no-untyped-call]


class Channel(redis.Channel):
    """Reads the lists."""

    Message = Envelope

    def _brpop_read(self, **options: object) -> bool | None:
        try:
            return bool(super()._brpop_read(**options))  # type: ignore[no-untyped-call]
        # JSON, UTF-8 and base64 that cannot be read are all ValueErrors.
        except ValueError as error:
            drop(Dropped.UNREADABLE, detail=str(error))
            return None


class Transport(redis.Transport):
    """The transport that :func:`install` puts in the place of kombu's."""

    Channel = Channel

    def _deliver(self, message: object, queue: str) -> None:
        runtime.at()(Step.MESSAGE_TAKEN)
        super()._deliver(message, queue)  # type: ignore[no-untyped-call]


def install() -> None:
    """Make every Redis connection of this process use the transport."""
    for scheme in ("redis", "rediss"):
        kombu.transport.TRANSPORT_ALIASES[scheme] = f"{__name__}:Transport"
