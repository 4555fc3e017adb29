"""Authentication of keys in one process: cached, one look-up a key at a time, bad keys throttled."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import structlog

from angel_x.errors import AccessDenied, AccountBusy, BadKeysExceeded
from angel_x.services.accounts.access import prefix_of

if TYPE_CHECKING:
    from starlette.requests import Request

    from angel_x.domain.records.access import Identity
    from angel_x.entrypoints.api.bulkheads import Bulkheads
    from angel_x.services.accounts.access import Access
    from angel_x.services.accounts.bad_keys import BadKeys

log = structlog.get_logger()

#: Half the time for which a key is remembered.
_RENEWAL_SECONDS = 1.0
#: Seconds after which one bad key too many is refused.  A client that asks again at once has to wait on
#: each of its connections, which are bounded, so it takes no processor time from the others.
REFUSAL_SECONDS = 5.0


class KeyChecks:
    """Belongs to one event loop."""

    def __init__(
        self,
        access: Access,
        bad_keys: BadKeys,
        bulkheads: Bulkheads,
        outages: tuple[type[Exception], ...] = (),
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._access = access
        self._bad_keys = bad_keys
        self._bulkheads = bulkheads
        #: The look-ups that run, by key.
        self._running: dict[str, asyncio.Task[Identity]] = {}
        self._outages: tuple[type[Exception], ...] = (*outages, AccountBusy)
        #: The open streams of each key, by its prefix.
        self._streams: Counter[str] = Counter()
        self._renewal: asyncio.Task[None] | None = None
        self._pause = pause

    async def identify(self, key: str, address: str) -> Identity:
        """Return the identity of a key.

        Raises:
            AccessDenied: The key is not valid.
            BadKeysExceeded: Too many bad keys came from this address, or with the key's prefix; raised
                after a while.
            AccountBusy: No thread was free for the look-up in time.
        """
        if (remembered := self._access.remembered(key)) is not None:
            return remembered
        look_up = self._running.get(key)
        if look_up is None:
            try:
                self._bad_keys.admit(address, key)
            except BadKeysExceeded:
                await self._pause(REFUSAL_SECONDS)
                raise
            look_up = self._running[key] = asyncio.create_task(self._look_up(key, address))
            look_up.add_done_callback(lambda _: self._running.pop(key))
        # Other requests wait for the same look-up, so the end of one must not end it.
        return await asyncio.shield(look_up)

    @contextmanager
    def renewed(self, key: str) -> Iterator[None]:
        """Keep a valid key remembered: the keys of all open streams are read at once, every second."""
        prefix = prefix_of(key)
        assert prefix is not None
        self._streams[prefix] += 1
        if self._renewal is None or self._renewal.done():
            self._renewal = asyncio.create_task(self._renew())
        try:
            yield
        finally:
            self._streams[prefix] -= 1
            self._streams += Counter()

    async def _renew(self) -> None:
        while self._streams:
            try:
                await self._bulkheads.look_up(self._access.renew, list(self._streams))
            except self._outages as error:
                # Each stream asks for its own key then.
                log.warning("keys.not_renewed", error=repr(error))
            await asyncio.sleep(_RENEWAL_SECONDS)

    async def _look_up(self, key: str, address: str) -> Identity:
        try:
            identity = await self._bulkheads.look_up(self._access.authenticate, key)
        except AccessDenied:
            self._bad_keys.distrust(key)
            raise
        except Exception:
            self._bad_keys.excuse(address, key)
            raise
        self._bad_keys.trust(address, key)
        return identity


def key_checks(request: Request) -> KeyChecks:
    """Return the authentication of this process."""
    return cast("KeyChecks", request.app.state.key_checks)


def address_of(request: Request) -> str:
    """Return the address of the sender, empty where the server does not know it."""
    return request.client.host if request.client is not None else ""
