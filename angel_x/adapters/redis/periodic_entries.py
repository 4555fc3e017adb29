"""Beat's schedule as RedBeat stores it in the message broker, read without Celery."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any, cast
from zoneinfo import ZoneInfo

import msgspec
from redis import Redis

from angel_x.domain.operations.periodic_entry import DAY, PeriodicEntry
from config import beat_keys


class PeriodicEntries:
    def __init__(self, broker: Redis) -> None:
        self._broker = broker

    def read(self) -> list[PeriodicEntry]:
        """Return all entries by name, those of Beat's release that were lost from the schedule too."""
        with self._broker.pipeline(transaction=False) as pipe:
            pipe.zrange(beat_keys.SCHEDULE, 0, -1, withscores=True)
            pipe.smembers(beat_keys.STATICS)
            scored, statics = pipe.execute()
        due = {_name(key): float(score) for key, score in scored if score >= 0}
        names = sorted(due.keys() | {_text(name) for name in statics})
        return [
            _entry(n, due.get(n), *found)
            for n, found in zip(names, self._stored(names), strict=True)
        ]

    def _stored(self, names: Iterable[str]) -> list[tuple[bytes | None, bytes | None]]:
        with self._broker.pipeline(transaction=False) as pipe:
            for name in names:
                pipe.hmget(beat_keys.key_of(name), "definition", "meta")
            answers = pipe.execute(raise_on_error=False)
        return [(None, None) if isinstance(a, Exception) else (a[0], a[1]) for a in answers]

    def aside(self) -> list[str]:
        """Return the names of entries that Beat could not decode and has put aside."""
        return sorted(_text(n) for n in cast("set[bytes]", self._broker.smembers(beat_keys.ASIDE)))

    def forget(self, name: str) -> bool:
        """Delete an entry that was put aside; return whether there was one."""
        with self._broker.pipeline() as pipe:
            pipe.srem(beat_keys.ASIDE, name)
            pipe.delete(beat_keys.aside_key_of(name))
            removed, deleted = pipe.execute()
        return bool(removed or deleted)


def _entry(
    name: str, due: float | None, definition: bytes | None, meta: bytes | None
) -> PeriodicEntry:
    """Make an entry of its readable fields."""
    defined, known = _document(definition), _document(meta)
    schedule = defined.get("schedule")
    every = schedule.get("every") if isinstance(schedule, dict) else None
    return PeriodicEntry(
        name=name,
        task=str(defined["task"]) if "task" in defined else None,
        last_run_at=_moment(known.get("last_run_at")),
        next_run_at=None if due is None or not defined else datetime.fromtimestamp(due, UTC),
        period_seconds=float(every) if isinstance(every, int | float) else DAY,
    )


def _document(text: bytes | None) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(text or b"{}")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _moment(stored: object) -> datetime | None:
    """Read a time in RedBeat's format: its parts, and a zone's name or its offset in seconds."""
    if not isinstance(stored, dict):
        return None
    parts = {k: v for k, v in stored.items() if k not in {"__type__", "timezone"}}
    zone = stored.get("timezone", "UTC")
    try:
        offset = ZoneInfo(zone) if isinstance(zone, str) else timezone(timedelta(seconds=zone))
        return datetime(**parts, tzinfo=offset)
    except (LookupError, TypeError, ValueError, OverflowError):
        return None


def _name(key: bytes) -> str:
    return _text(key).removeprefix(beat_keys.PREFIX)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
