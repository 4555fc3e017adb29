"""Authentication of keys in one process: cached, one look-up a key at a time, bad keys throttled."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

from angel_x.errors import AccessDenied

if TYPE_CHECKING:
    from starlette.requests import Request

    from angel_x.domain.records.access import Identity
    from angel_x.entrypoints.api.bulkheads import Bulkheads
    from angel_x.services.accounts.access import Access
    from angel_x.services.accounts.bad_keys import BadKeys


class KeyChecks:
    """Belongs to one event loop."""

    def __init__(self, access: Access, bad_keys: BadKeys, bulkheads: Bulkheads) -> None:
        self._access = access
        self._bad_keys = bad_keys
        self._bulkheads = bulkheads
        #: The look-ups that run, by key.
        self._running: dict[str, asyncio.Task[Identity]] = {}

    async def identify(self, key: str, address: str) -> Identity:
        """Return the identity of a key.

        Raises:
            AccessDenied: The key is not valid.
            BadKeysExceeded: Too many bad keys came from this address, or with the key's prefix.
            AccountBusy: No thread was free for the look-up in time.
        """
        if (remembered := self._access.remembered(key)) is not None:
            return remembered
        look_up = self._running.get(key)
        if look_up is None:
            self._bad_keys.admit(address, key)
            look_up = self._running[key] = asyncio.create_task(self._look_up(key, address))
            look_up.add_done_callback(lambda _: self._running.pop(key))
        # Other requests wait for the same look-up, so the end of one must not end it.
        return await asyncio.shield(look_up)

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
