"""``GET /v1/stream``: an account's orders, portfolio and alerts as server-sent events."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from typing import TYPE_CHECKING, Annotated

import msgspec
from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from angel_x.domain.records.live_event import BEGINNING
from angel_x.entrypoints.api.key_checks import address_of, key_checks
from angel_x.entrypoints.api.keys import Reader, shown_key
from angel_x.entrypoints.api.openapi import PROBLEMS
from angel_x.entrypoints.api.parts import subscriptions
from angel_x.entrypoints.api.subscriptions import check_event_id
from angel_x.errors import AccessDenied

if TYPE_CHECKING:
    from angel_x.domain.records.live_event import LiveEvent
    from angel_x.entrypoints.api.subscriptions import Drop, Subscriptions

KEEP_ALIVE_SECONDS = 15.0
_OPENED = b": connected\n\n"
_KEEP_ALIVE = b": keep-alive\n\n"

router = APIRouter(tags=["stream"])


@router.get(
    "/v1/stream",
    summary="Follow orders, portfolio and alerts",
    response_class=StreamingResponse,
    responses={
        200: {
            "description": "Events: `order`, `portfolio`, `alert` and others. Resumes after "
            "`Last-Event-ID`; `gap` says that later events are not held any more, `dropped` "
            "ends the stream of a listener that reads too slowly.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **PROBLEMS,
    },
)
async def stream(
    request: Request, caller: Reader, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    after_id = None if last_event_id is None else check_event_id(last_event_id)
    events = _events(subscriptions(request), caller.user_id, after_id)
    guarded = _while_valid(events, request)
    return StreamingResponse(guarded, media_type="text/event-stream")


async def _events(
    listeners: Subscriptions, user_id: int, after_id: str | None
) -> AsyncIterator[bytes]:
    """Yield missed events, then new ones, with a keep-alive while there are none."""
    async with listeners.open(user_id) as subscription:
        yield _OPENED
        lines = _Lines(after_id or await listeners.position(subscription))
        if after_id is not None:
            async for page in listeners.missed(subscription, after_id):
                yield (b"" if page.is_complete else lines.gap()) + lines.of(page.events)
        while (events := await subscription.next(KEEP_ALIVE_SECONDS)) is not None:
            yield lines.of(events) or _KEEP_ALIVE
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
        return self._line("gap", msgspec.json.encode({"after": after}).decode())

    def dropped(self, drop: Drop) -> bytes:
        return self._line("dropped", msgspec.json.encode({"reason": drop}).decode())

    def _event(self, event: LiveEvent) -> bytes:
        # A state has no history, so its own id is none to resume after.
        if not event.is_state:
            self._position = event.id
        return self._line(event.kind, event.body)

    def _line(self, kind: str, body: str) -> bytes:
        return f"id: {self._position}\nevent: {kind}\ndata: {body}\n\n".encode()


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
