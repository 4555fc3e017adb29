"""Reading and setting risk limits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from urllib.parse import urlencode

import msgspec

from angel_x.client.connection import Connection, with_query
from angel_x.domain.book.limits import LimitSheet


class LimitCalls(Connection):
    """Risk limits on single orders and on accounts."""

    def limits(self, *, user: str | None = None, everyone: bool = False) -> LimitSheet:
        """Return the account's limits; those of another, or of everyone, need the scope admin."""
        return self._call("GET", _limits_path(user, everyone=everyone), LimitSheet)

    def set_limits(
        self, limits: Mapping[str, object], *, user: str | None = None, everyone: bool = False
    ) -> LimitSheet:
        """Set limits by kind, such as ``{"max_order_quantity": 1800}``; the others stay.

        Raises:
            InvalidRequest: A kind is unknown, or a value out of its bounds.
        """
        path = _limits_path(user, everyone=everyone)
        return self._call("PUT", path, LimitSheet, body=msgspec.json.encode(limits))

    def clear_limits(
        self, *kinds: str, user: str | None = None, everyone: bool = False
    ) -> LimitSheet:
        """Remove limits of the named kinds, or all limits where none is named."""
        path = _limits_path(user, everyone=everyone, kinds=kinds)
        return self._call("DELETE", path, LimitSheet)


def _limits_path(user: str | None, *, everyone: bool, kinds: Iterable[str] = ()) -> str:
    scope = "global" if everyone else None
    path = with_query("/v1/limits", {"user": user, "scope": scope})
    named = urlencode([("kind", kind) for kind in kinds])
    return path + (("&" if "?" in path else "?") + named if named else "")
