"""The live events in Redis: a history for each account, and a short feed that every API process reads.

Their loss changes no stored state, and is told to readers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import cast

import msgspec
from redis import Redis

from angel_x.adapters.redis.event_scripts import APPEND, FEED, HISTORY, MARKS, WATCH, WATCHED
from angel_x.domain.records.live_event import (
    BEGINNING,
    EVERYBODY,
    STATES,
    EventPage,
    LiveEvent,
    number_of,
)

#: Events in the feed: the time that a reader may be late.
_FEED_LENGTH = 10_000
#: Events of one account, apart from those of others.
_HISTORY_LENGTH = 10_000
#: Fifteen minutes, and one for clients that count them from the arrival of an event.
_HISTORY_SECONDS = 960

_Entry = tuple[bytes, Mapping[bytes, bytes]]


class EventStream:
    def __init__(
        self,
        cache: Redis,
        *,
        feed_length: int = _FEED_LENGTH,
        history_length: int = _HISTORY_LENGTH,
        history_seconds: float = _HISTORY_SECONDS,
    ) -> None:
        self._cache = cache
        self._bounds = (feed_length, history_length, int(history_seconds * 1000))
        self._append = cache.register_script(APPEND)
        self._watch = cache.register_script(WATCH)

    def publish(self, events: Sequence[Mapping[str, object]]) -> None:
        """Append events in one round trip; fields other than ``user_id`` and ``kind`` are the body.

        A state goes to the listeners of its account only, and is not kept.
        """
        if not events:
            return
        arguments: list[str | bytes | int] = [*self._bounds]
        for event in events:
            arguments += _written(event)
        self._append(args=arguments)

    def read(self, after_id: str, block_ms: int, count: int = 500) -> EventPage:
        """Return the events of all accounts after ``after_id``, waiting up to ``block_ms`` for the first."""
        pipeline = self._cache.pipeline(transaction=False)
        pipeline.xread({FEED: after_id}, count=count, block=block_ms)
        # Asked afterwards: an id that is still there had nothing dropped behind it.
        pipeline.xrange(FEED, after_id, after_id)
        answer, held = pipeline.execute()
        entries = [entry for _, found in answer or () for entry in found]
        return EventPage(bool(held) or after_id == BEGINNING, _events(entries))

    def last_id(self) -> str:
        """Return the id of the newest event, from which a new reader starts."""
        newest = cast("Sequence[_Entry]", self._cache.xrevrange(FEED, count=1))
        return newest[0][0].decode() if newest else BEGINNING

    def position(self, user_id: int) -> str:
        """Return an id after which a new listener of an account resumes."""
        fields = [f"t{user_id}", f"t{EVERYBODY}"]
        tips = cast("list[bytes | None]", self._cache.hmget(MARKS, fields))
        return max((tip.decode() for tip in tips if tip), key=number_of, default=BEGINNING)

    def history(self, user_id: int, after_id: str, count: int = 500) -> EventPage:
        """Return the events of an account after ``after_id``, with those for all accounts.

        A page is incomplete if the id is none of these events, or if later ones were dropped.
        """
        owners = (user_id, EVERYBODY)
        pipeline = self._cache.pipeline(transaction=True)
        pipeline.hmget(MARKS, [f"{mark}{owner}" for owner in owners for mark in "tf"])
        for owner in owners:
            # From the id on: its own entry shows that it is held.
            pipeline.xrange(f"{HISTORY}{owner}", min=after_id, count=count + 1)
        marks, *found = pipeline.execute()
        held = [
            _Held(number_of(after_id), tip, floor, entries, is_full=len(entries) > count)
            for tip, floor, entries in zip(marks[::2], marks[1::2], found, strict=True)
        ]
        is_known = after_id == BEGINNING or any(part.knows for part in held)
        return EventPage(is_known and all(part.is_complete for part in held), _merged(held))

    def watch(self, user_ids: Collection[int], seconds: float) -> None:
        """Publish the states of these accounts for some seconds; a second call extends them."""
        if user_ids:
            self._watch(keys=[WATCHED], args=[seconds, *user_ids])

    def watched(self) -> set[int]:
        """Return the accounts whose states are published now."""
        seconds, microseconds = self._cache.time()
        now_ms = seconds * 1000 + microseconds // 1000
        found = cast("Sequence[bytes]", self._cache.zrangebyscore(WATCHED, now_ms, "+inf"))
        return {int(user_id) for user_id in found}


class _Held:
    """The entries of one history from an id on, with its marks."""

    def __init__(
        self,
        after: tuple[int, int],
        tip: bytes | None,
        floor: bytes | None,
        entries: Sequence[_Entry],
        *,
        is_full: bool,
    ) -> None:
        events = _events(entries)
        self._after = after
        self._tip = None if tip is None else number_of(tip.decode())
        self._floor = None if floor is None else number_of(floor.decode())
        self._has_it = bool(events) and number_of(events[0].id) == after
        self.events = events[1:] if self._has_it else events
        #: The id up to which it was read, None for its end.
        self.until = number_of(events[-1].id) if is_full else None

    @property
    def knows(self) -> bool:
        """Return whether the id is one of its events."""
        return self._has_it or self._after in {self._tip, self._floor}

    @property
    def is_complete(self) -> bool:
        """Return whether it holds all of its events after the id."""
        if self._has_it:
            return True
        if self._tip is None:
            return not self.events
        if self._tip <= self._after:
            return True
        return bool(self.events) and (self._floor is None or self._floor <= self._after)


def _merged(held: Iterable[_Held]) -> Sequence[LiveEvent]:
    """Return the events in the order of their ids, up to where each history was read."""
    parts = list(held)
    until = min((part.until for part in parts if part.until is not None), default=None)
    events = sorted((e for part in parts for e in part.events), key=lambda e: number_of(e.id))
    return [e for e in events if until is None or number_of(e.id) <= until]


def _written(event: Mapping[str, object]) -> tuple[str, str, bytes, str]:
    body = {key: value for key, value in event.items() if key not in {"user_id", "kind"}}
    kind = str(event["kind"])
    encoded = msgspec.json.encode(body, enc_hook=str)
    return str(event["user_id"]), kind, encoded, "1" if kind in STATES else ""


def _events(entries: Iterable[_Entry]) -> list[LiveEvent]:
    return [
        LiveEvent(
            entry_id.decode(),
            int(fields[b"user_id"]),
            fields[b"kind"].decode(),
            fields[b"body"].decode(),
        )
        for entry_id, fields in entries
    ]
