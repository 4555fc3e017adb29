"""Limits of requests to the broker."""

from __future__ import annotations

from datetime import date

from angel_x.adapters.angel_one.calls import Rate
from angel_x.adapters.angel_one.limits import broker_limits
from angel_x.domain.exchange.request_budget import Windows
from config.market import table

_DAY = date(2026, 11, 30)
_SHIPPED = broker_limits(table("broker_limits"))


def shipped(rate: Rate) -> Windows:
    """Return a limit of the shipped table."""
    return _SHIPPED[rate].on(_DAY)


def unlimited(rate: Rate) -> Windows:
    """Return no limit."""
    return ()
