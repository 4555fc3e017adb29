"""The paper twins of live orders: what the paper exchange would have done with each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from angel_x.domain.exchange.terms import Terms
from angel_x.domain.exchange.twin import (
    amended,
    arrive,
    end,
    follow,
    take_amendment,
    twin_of,
)
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import CancelReason
from angel_x.domain.orders.order import Order, OrderStatus
from angel_x.services.ports import Clock


class TwinUnit(Protocol):
    """One transaction with twins, alone in the whole system."""

    def known(self, order_ids: Sequence[int]) -> set[int]:
        """Return those of the orders that have a twin already, open or closed."""

    def open(self, symbols: Collection[str] | None = None) -> list[Order]:
        """Return the open twins in some contracts, or in all of them, the oldest first."""

    def canceled(self) -> set[int]:
        """Return the orders that have an open twin and were canceled at the exchange."""

    def save(self, twins: Sequence[Order], at: datetime) -> None:
        """Store twins that have moved at that time; a new one has arrived then."""


class TwinStore(Protocol):
    """The stored twins."""

    def begin(self) -> AbstractContextManager[TwinUnit]:
        """Begin a transaction, which is committed at its end and waits for the one before it."""


class TwinMarket(Protocol):
    """The market in which twins trade."""

    def terms(self, orders: Sequence[Order], *, are_amended: bool = False) -> list[Terms]:
        """Return the terms of each order, in the given order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTwins:
    """Moves twins, in the quotes of the moment of each call."""

    store: TwinStore
    market: TwinMarket
    clock: Clock
    market_clock: Clock

    def arrive(self, orders: Sequence[Order], in_time: Callable[[], bool]) -> int:
        """Bring the twins of orders to the paper exchange; an order has one, however often it is sent.

        Twins that rest in the same contracts trade first, as far as their prices are as good.  Where the
        transaction begins too late, none arrives; return how many were left out.
        """
        with self.store.begin() as unit:
            known = unit.known([order.id for order in orders])
            fresh = [twin_of(order) for order in orders if order.id not in known]
            if fresh and not in_time():
                return len(fresh)
            if fresh:
                resting = self._standing(unit, unit.open({twin.symbol for twin in fresh}))
                self._decide(unit, resting, fresh)
        return 0

    def amend(self, changes: Sequence[tuple[Order, Amendment]]) -> None:
        """Amend the open twins of orders; those that are closed stay as they are."""
        with self.store.begin() as unit:
            wanted = {order.id: amendment for order, amendment in changes}
            twins = self._standing(unit, _of(unit, {order.symbol for order, _ in changes}, wanted))
            changed = [amended(twin, wanted[twin.id]) for twin in twins]
            terms = self.market.terms(changed, are_amended=True) if changed else []
            for twin, other, each in zip(twins, changed, terms, strict=True):
                take_amendment(twin, other, each)
            unit.save(twins, self.clock())

    def cancel(self, orders: Sequence[Order]) -> None:
        """Cancel the open twins of orders; those that are closed stay as they are."""
        with self.store.begin() as unit:
            found = _of(unit, {o.symbol for o in orders}, {o.id for o in orders})
            twins = self._standing(unit, found)
            for twin in twins:
                end(twin, OrderStatus.CANCELED, CancelReason.REQUESTED)
            unit.save(twins, self.clock())

    def follow(self) -> None:
        """Fill the twins that the market has come to, and end those whose time or order is over.

        A twin whose order was canceled ends also where its own cancellation was lost, or nobody here
        has requested it.
        """
        with self.store.begin() as unit:
            twins = unit.open()
            canceled = unit.canceled() if twins else set()
            over = [twin for twin in twins if twin.id in canceled]
            for twin in over:
                end(twin, OrderStatus.CANCELED, CancelReason.CANCELED_BY_VENUE)
            unit.save(over, self.clock())
            self._decide(unit, self._standing(unit, [t for t in twins if t.id not in canceled]), [])

    def _standing(self, unit: TwinUnit, twins: Iterable[Order]) -> list[Order]:
        """Return the valid twins; the others expire."""
        now, twins = self.market_clock(), list(twins)
        ended = [twin for twin in twins if twin.valid_until <= now]
        for twin in ended:
            end(twin, OrderStatus.EXPIRED, CancelReason.VALIDITY_ENDED)
        unit.save(ended, self.clock())
        return [twin for twin in twins if twin.valid_until > now]

    def _decide(self, unit: TwinUnit, resting: Sequence[Order], fresh: Sequence[Order]) -> None:
        """Trade in one batch, in which price and time decide, and store the twins that have moved."""
        twins = [*resting, *fresh]
        if not twins:
            return
        before = {twin.id: _progress(twin) for twin in resting}
        for twin, terms in zip(twins, self.market.terms(twins), strict=True):
            (follow if twin.id in before else arrive)(twin, terms)
        moved = [twin for twin in twins if before.get(twin.id) != _progress(twin)]
        unit.save(moved, self.clock())


def _of(unit: TwinUnit, symbols: Collection[str], order_ids: Collection[int]) -> list[Order]:
    return [twin for twin in unit.open(symbols) if twin.id in order_ids]


def _progress(twin: Order) -> tuple[OrderStatus, int]:
    return twin.status, twin.filled_quantity
