"""The trading mode in words: on paper, or at the exchange with money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from angel_x.domain.calendar.session import IST
from angel_x.domain.orders.denial import DenialReason

if TYPE_CHECKING:
    from angel_x.services.controls.live_trading import LiveStatus

_PAPER = "PAPER: orders trade on paper, without money"


def mode_sentence(found: LiveStatus) -> str:
    """Return mode, client, address, accounts and confirmation, for operators."""
    if found.mode == "paper":
        return _PAPER
    where = f"LIVE: orders trade with money, as {found.client_code} at {found.address}"
    return f"{where}; accounts: {', '.join(found.users)}; {_passage(found)}"


def mode_words(found: LiveStatus) -> str:
    """Return mode and confirmation, without names: for everybody."""
    return "paper" if found.mode == "paper" else f"live, {_passage(found)}"


def _passage(found: LiveStatus) -> str:
    return _state(found) + _next_session(found)


def _state(found: LiveStatus) -> str:
    if found.blocked is not None:
        return f"no order goes there now: {found.blocked}"
    assert found.confirmed_until is not None, "orders pass after a confirmation only"
    return f"confirmed until {found.confirmed_until.astimezone(IST):%d %b, %H:%M} IST"


def _next_session(found: LiveStatus) -> str:
    opens_at = found.unconfirmed_session
    if opens_at is None or found.blocked is DenialReason.LIVE_UNCONFIRMED:
        return ""
    return f"; not confirmed for the session of {opens_at.astimezone(IST):%d %b, %H:%M} IST"
