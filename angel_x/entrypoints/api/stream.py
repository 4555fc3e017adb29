"""``GET /v1/stream``: an account's orders, portfolio and alerts as server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Header, Request
from starlette.responses import StreamingResponse

from angel_x.entrypoints.api.key_checks import address_of, key_checks
from angel_x.entrypoints.api.keys import Reader, shown_key
from angel_x.entrypoints.api.openapi import PROBLEMS
from angel_x.entrypoints.api.parts import subscriptions
from angel_x.entrypoints.api.subscriptions import check_event_id
from angel_x.errors import AccessDenied

if TYPE_CHECKING:
    from angel_x.domain.records.live_event import LiveEvent
    from angel_x.entrypoints.api.subscriptions import Subscriptions

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
            "description": "Events: `order`, `portfolio`, `alert`. Resumes after `Last-Event-ID`.",
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
        if after_id is not None:
            async for event in listeners.missed(subscription, after_id):
                yield _line(event)
        while True:
            try:
                upcoming = await asyncio.wait_for(subscription.next(), KEEP_ALIVE_SECONDS)
            except TimeoutError:
                yield _KEEP_ALIVE
                continue
            if upcoming is None:
                return
            yield _line(upcoming)


async def _while_valid(lines: AsyncIterator[bytes], request: Request) -> AsyncIterator[bytes]:
    """End the stream of a key that has been revoked."""
    checks, key, address = key_checks(request), shown_key(request), address_of(request)
    async for line in lines:
        try:
            await checks.identify(key, address)
        except AccessDenied:
            return
        yield line


def _line(event: LiveEvent) -> bytes:
    return f"id: {event.id}\nevent: {event.kind}\ndata: {event.body}\n\n".encode()
