"""RedBeat's entries as they are stored; one that cannot be decoded is put aside."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Self

import structlog
from redbeat.schedulers import RedBeatSchedulerEntry, get_redis
from redis.exceptions import ResponseError

from config import beat_keys

log = structlog.get_logger()

#: The exceptions of a damaged entry, which is text of anyone who can write to the message broker.
_DAMAGE = (LookupError, TypeError, ValueError, AttributeError, OverflowError)


class StoredEntry(RedBeatSchedulerEntry):
    """An entry of the schedule in the message broker."""

    @classmethod
    def from_key(cls, key: str, app: Any = None) -> Self:  # noqa: ANN401 - Celery is untyped
        """Read one entry.

        Raises:
            KeyError: There is none, or it could not be decoded and was put aside.
        """
        (found,) = cls.read([key], app)
        if found is None:
            raise KeyError(key)
        return found

    @classmethod
    def read(cls, keys: Sequence[str], app: Any) -> list[Self | None]:  # noqa: ANN401
        """Read entries in one round trip; None in the place of one that is absent or was put aside."""
        with get_redis(app).pipeline(transaction=False) as pipe:
            for key in keys:
                pipe.hmget(key, "definition", "meta")
            answers = pipe.execute(raise_on_error=False)
        return [cls._decoded(key, answer, app) for key, answer in zip(keys, answers, strict=True)]

    @classmethod
    def _decoded(cls, key: str, answer: Any, app: Any) -> Self | None:  # noqa: ANN401
        try:
            if isinstance(answer, Exception):
                raise TypeError(str(answer))
            definition, meta = answer
            return cls._made(key, definition, meta, app) if definition else None
        except _DAMAGE as error:
            _put_aside(app, key, f"{type(error).__name__}: {error}")
            return None

    @classmethod
    def _made(cls, key: str, definition: str, meta: str | None, app: Any) -> Self:  # noqa: ANN401
        known = cls.decode_meta(meta)
        entry = cls(app=app, **{**cls.decode_definition(definition), **known})
        # Celery puts the present in the place of an absent last run.
        entry.last_run_at = known["last_run_at"]
        if entry.key != key:
            raise ValueError(f"the definition is of another entry, {entry.name}")
        # A schedule of the wrong kind shows only when it is asked.
        entry.is_due()
        float(entry.score)
        return entry

    @property
    def due_at(self) -> datetime | None:
        """Return the time of the next run.

        RedBeat adds the time that is left to the last run instead of the present, so that an entry
        with a time of day looks overdue after each restart.
        """
        now: datetime = self.app.now()
        if self.last_run_at is None:
            return now
        left: timedelta | None = self.schedule.remaining_estimate(self.last_run_at)
        return None if left is None else now + max(left, timedelta(0))


def _put_aside(app: Any, key: str, reason: str) -> None:  # noqa: ANN401
    """Take an entry out of the schedule and keep it under another key."""
    name = key.removeprefix(beat_keys.PREFIX)
    with get_redis(app).pipeline() as pipe, suppress(ResponseError):  # another Beat was faster
        pipe.rename(key, beat_keys.aside_key_of(name))
        pipe.zrem(beat_keys.SCHEDULE, key)
        pipe.sadd(beat_keys.ASIDE, name)
        pipe.execute()
    log.error("beat.put_aside", entry=name, reason=reason, kept_as=beat_keys.aside_key_of(name))
