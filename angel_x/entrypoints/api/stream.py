"""``GET /v1/stream``: an account's orders, portfolio, alerts and watched contracts as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Header, Query, Request
from starlette.responses import StreamingResponse

from angel_x.domain.chains.chain_record import QuoteUpdate
from angel_x.domain.records.access import Identity
from angel_x.domain.records.live_event import BEGINNING
from angel_x.entrypoints.api.bulkheads import Bulkhead, bulkheads
from angel_x.entrypoints.api.key_checks import address_of, key_checks
from angel_x.entrypoints.api.keys import Reader, shown_key
from angel_x.entrypoints.api.openapi import events
from angel_x.entrypoints.api.parts import application, quote_watches, subscriptions
from angel_x.entrypoints.api.subscriptions import check_event_id
from angel_x.errors import AccessDenied
from angel_x.services.pricing.watched_contracts import MOST_WATCHED

if TYPE_CHECKING:
    from angel_x.domain.records.live_event import LiveEvent
    from angel_x.entrypoints.api.quote_watches import QuoteWatches
    from angel_x.entrypoints.api.subscriptions import Drop, Subscriptions

KEEP_ALIVE_SECONDS = 15.0
_OPENED = b": connected\n\n"
_KEEP_ALIVE = b": keep-alive\n\n"

router = APIRouter(tags=["stream"])


@router.get(
    "/v1/stream",
    summary="Follow orders, portfolio, alerts and watched contracts",
    response_class=StreamingResponse,
    responses=events(
        "Events: `order`, `portfolio`, `alert` and others. Resumes after `Last-Event-ID`; `gap` says "
        "that later events are not held any more, `dropped` ends the stream of a listener that "
        "reads too slowly. With `watch`, `quotes` has a `QuoteUpdate` as its data: all contracts "
        "first, then those that have moved, at most four times a second.",
        QuoteUpdate,
    ),
)
async def follow_events(
    request: Request,
    caller: Reader,
    watch: Annotated[
        str | None,
        Query(description=f"Up to {MOST_WATCHED} symbols of contracts, with commas between them"),
    ] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> StreamingResponse:
    after_id = None if last_event_id is None else check_event_id(last_event_id)
    symbols = await _watched(request, caller, watch)
    listeners, watches = subscriptions(request), quote_watches(request)
    lines = _events(listeners, watches, _Wanted(caller.user_id, symbols, after_id))
    return StreamingResponse(_while_valid(lines, request), media_type="text/event-stream")


async def _watched(request: Request, caller: Identity, watch: str | None) -> tuple[str, ...]:
    """Return the symbols of a parameter, each once.

    Raises:
        InvalidWatch: They are too many, or one is not listed.
    """
    if watch is None:
        return ()
    contracts = application(request).analytics.watched_contracts
    return await bulkheads(request).run(
        Bulkhead.READS, caller.user_id, contracts.listed, watch.split(",")
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The wishes of one listener."""

    user_id: int
    #: The contracts that it watches.
    symbols: tuple[str, ...]
    #: The id of its last event, None for new ones only.
    after_id: str | None


async def _events(
    listeners: Subscriptions, watches: QuoteWatches, wanted: _Wanted
) -> AsyncIterator[bytes]:
    """Yield missed events, then new ones and quotes, with a keep-alive while there are none."""
    async with (
        listeners.open(wanted.user_id) as subscription,
        watches.open(wanted.symbols, subscription) as watch,
    ):
        yield _OPENED
        lines = _Lines(wanted.after_id or await listeners.position(subscription))
        if wanted.after_id is not None:
            async for page in listeners.missed(subscription, wanted.after_id):
                yield (b"" if page.is_complete else lines.gap()) + lines.of(page.events)
        while (heard := await subscription.next(KEEP_ALIVE_SECONDS)) is not None:
            yield lines.of(heard) + lines.quotes(watch.take()) or _KEEP_ALIVE
        if subscription.drop is not None:
            yield lines.dropped(subscription.drop)


class _Lines:
    """Writes events, each with the id after which its client resumes."""

    def __init__(self, position: str) -> None:
        self._position = position

    def of(self, events: Iterable[LiveEvent]) -> bytes:
        return b"".join(map(self._event, events))

    def gap(self) -> bytes:
        """Write that events after the last id are missing; those that are held follow."""
        after, self._position = self._position, BEGINNING
        return self._line("gap", msgspec.json.encode({"after": after}))

    def dropped(self, drop: Drop) -> bytes:
        return self._line("dropped", msgspec.json.encode({"reason": drop}))

    def quotes(self, update: bytes | None) -> bytes:
        """Write an update of watched contracts; nothing for None."""
        return b"" if update is None else self._line("quotes", update)

    def _event(self, event: LiveEvent) -> bytes:
        # A state has no history, so its own id is none to resume after.
        if not event.is_state:
            self._position = event.id
        return self._line(event.kind, event.body.encode())

    def _line(self, kind: str, body: bytes) -> bytes:
        return b"".join((f"id: {self._position}\nevent: {kind}\ndata: ".encode(), body, b"\n\n"))


async def _while_valid(lines: AsyncIterator[bytes], request: Request) -> AsyncIterator[bytes]:
    """End the stream of a key that has been revoked."""
    checks, key, address = key_checks(request), shown_key(request), address_of(request)
    with checks.renewed(key):
        async for line in lines:
            try:
                await checks.identify(key, address)
            except AccessDenied:
                return
            yield line
