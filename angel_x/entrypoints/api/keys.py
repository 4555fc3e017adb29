"""Authentication by the key of the ``Authorization`` header, and authorization by its scopes."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from angel_x.domain.records.access import Identity, Scope
from angel_x.entrypoints.api.key_checks import address_of, key_checks
from angel_x.entrypoints.api.parts import LONGEST_PARAMETER
from angel_x.errors import AccessDenied, ScopeMissing

_bearer = HTTPBearer(auto_error=False, scheme_name="API key", bearerFormat="ax_…")
_Shown = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


async def reader(request: Request, shown: _Shown) -> Identity:
    """Return the caller; the key must have the scope read."""
    return await _caller(request, shown, Scope.READ)


async def trader(request: Request, shown: _Shown) -> Identity:
    """Return the caller; the key must have the scope trade."""
    return await _caller(request, shown, Scope.TRADE)


async def controller(request: Request, shown: _Shown) -> Identity:
    """Return the caller; the key must have the scope trade or admin."""
    return await _caller(request, shown, Scope.TRADE, Scope.ADMIN)


async def admin(request: Request, shown: _Shown) -> Identity:
    """Return the caller; the key must have the scope admin."""
    return await _caller(request, shown, Scope.ADMIN)


async def authenticated_trader(request: Request) -> Identity:
    """Return the caller of a request that no dependency was solved for, as :func:`trader` does."""
    return await trader(request, await _bearer(request))


Reader = Annotated[Identity, Depends(reader)]
Trader = Annotated[Identity, Depends(trader)]
Controller = Annotated[Identity, Depends(controller)]
Admin = Annotated[Identity, Depends(admin)]


async def _caller(
    request: Request, shown: HTTPAuthorizationCredentials | None, *scopes: Scope
) -> Identity:
    if shown is None or len(shown.credentials) > LONGEST_PARAMETER:
        raise AccessDenied("a key is needed, as `Authorization: Bearer <key>`")
    identity = await key_checks(request).identify(shown.credentials, address_of(request))
    if not any(map(identity.allows, scopes)):
        needed = " or ".join(scopes)
        raise ScopeMissing(f"this key does not allow the call, which needs the scope {needed}")
    return identity


def shown_key(request: Request) -> str:
    """Return the key of an authenticated request."""
    return request.headers["authorization"].partition(" ")[2].strip()
