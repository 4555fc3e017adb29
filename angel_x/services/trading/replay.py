"""Sending parked orders again, at an operator's word."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

import structlog

from angel_x.domain.calendar.session import TradingCalendar
from angel_x.domain.records.audit import ParkedOrder, ReplayCandidate, Replayed
from angel_x.errors import ReplayRefused, UnknownOrder
from angel_x.services.ports import Clock, Dispatcher

log = structlog.get_logger()


class ReplayUnit(Protocol):
    """One order, locked.  Leaving it without :meth:`send` changes nothing."""

    def candidate(self, order_id: int) -> ReplayCandidate | None:
        """Lock the original parked order, from its own id or that of a replay."""

    def send(self, order_id: int, client_order_id: str, *, day_ends: datetime, actor: str) -> int:
        """Store the same content as a new order, commit, and return its id."""


class ParkedOrders(Protocol):
    """The store of parked orders."""

    def parked(self, limit: int, *, replayed: bool) -> Sequence[ParkedOrder]: ...
    def waiting(self) -> int: ...
    def begin(self) -> AbstractContextManager[ReplayUnit]: ...


class Replays:
    """Shows parked orders and sends them again."""

    def __init__(
        self,
        *,
        orders: ParkedOrders,
        calendar: TradingCalendar,
        market_clock: Clock,
        dispatcher: Dispatcher,
    ) -> None:
        self._orders = orders
        self._calendar = calendar
        self._market_clock = market_clock
        self._dispatcher = dispatcher

    def parked(self, *, limit: int = 100, replayed: bool = False) -> tuple[ParkedOrder, ...]:
        """Return parked orders, the newest first; with ``replayed`` also those sent again."""
        return tuple(self._orders.parked(limit, replayed=replayed))

    def waiting(self) -> int:
        """Return how many parked orders were not sent again."""
        return self._orders.waiting()

    def replay(self, order_id: int, actor: str) -> Replayed:
        """Send the content of a parked order as a new order, valid until the next close.

        A second call is refused while the first replay is open, and for good once it has traded, so
        that an order does not trade twice.

        Raises:
            UnknownOrder: No order has the id.
            ReplayRefused: With the reason.
        """
        day_ends = self._calendar.next_close(self._market_clock())
        with self._orders.begin() as unit:
            parked = unit.candidate(order_id)
            if parked is None:
                raise UnknownOrder(order_id)
            _check(parked)
            client_order_id = f"{parked.client_order_id} replay {parked.replays + 1}"
            new_id = unit.send(parked.id, client_order_id, day_ends=day_ends, actor=actor)
        log.info("order.replayed", order_id=parked.id, replayed_as=new_id, actor=actor)
        self._dispatcher.ring(parked.priority, [new_id])
        return Replayed(
            order_id=str(new_id), client_order_id=client_order_id, replay_of=str(parked.id)
        )


def _check(parked: ReplayCandidate) -> None:
    if not parked.is_parked:
        raise ReplayRefused(parked.id, "it was not parked")
    if parked.is_of_workflow:
        raise ReplayRefused(parked.id, "it is a part of a basket or a square-off")
    if parked.living is not None:
        raise ReplayRefused(
            parked.id, f"it was sent again and that one is open or has traded: {parked.living}"
        )
