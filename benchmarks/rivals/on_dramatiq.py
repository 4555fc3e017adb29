"""dramatiq on Valkey: ``python -m dramatiq benchmarks.rivals.on_dramatiq``."""

from __future__ import annotations

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.rivals.booking import BROKER_URL, book

dramatiq.set_broker(RedisBroker(url=os.environ[BROKER_URL]))


@dramatiq.actor
def execute(order_id: int) -> None:
    """Book one order."""
    book(order_id)


def prepare() -> None:
    """Nothing is to be made before the workers start."""


def enqueue(order_id: int) -> None:
    """Send one message."""
    execute.send(order_id)
