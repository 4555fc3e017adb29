"""Ids of messages."""

from __future__ import annotations

from uuid import uuid4


def new_id() -> str:
    """Return the id of a message that was never sent, as Celery makes it."""
    return str(uuid4())
