"""Amending an open order.  A race with the execution is decided by the account's lock.

A new price of a sliced order applies to all of its open slices or to none.  Its quantity cannot
change, and a single slice cannot be amended, so that parent order and slices stay consistent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from angel_x.domain.book.book import Book
from angel_x.domain.book.order_with_slices import OrderWithSlices
from angel_x.domain.exchange.terms import Terms
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.denial import DenialReason
from angel_x.domain.orders.order import ASKED, RESTING, Order, OrderRequest, OrderStatus
from angel_x.domain.orders.order_types import LIMITED, TRIGGERED
from angel_x.domain.orders.step import Step
from angel_x.errors import (
    AmendmentRefused,
    Fault,
    InvalidAmendment,
    OrderAlreadyClosed,
    OrderNotFound,
    OrderOnItsWay,
)
from angel_x.services.intake.listing import listing_faults
from angel_x.services.intake.slicing import Slicing
from angel_x.services.ports import Clock, UniverseSource
from angel_x.services.trading.amendment_form import AmendmentRequest
from angel_x.services.trading.transaction import Steps
from angel_x.services.trading.venue import Venue
from angel_x.services.trading.venue_desk import VenueDesk
from angel_x.services.units import Unit

_STEPS = Steps(
    found=Step.AMENDMENT_FOUND,
    recorded=Step.AMENDMENT_RECORDED,
    committed=Step.AMENDMENT_COMMITTED,
)
_UNTRIGGERED = frozenset({OrderStatus.RECEIVED, OrderStatus.TRIGGER_PENDING})


class Amending:
    """Changes orders at their owner's request."""

    def __init__(
        self,
        *,
        desk: VenueDesk,
        venue: Venue,
        universes: UniverseSource,
        slicing: Slicing,
        market_clock: Clock,
    ) -> None:
        self._desk = desk
        self._venue = venue
        self._universes = universes
        self._slicing = slicing
        self._market_clock = market_clock

    def amend(
        self, user_id: int, order_id: int, change: AmendmentRequest, actor: str = "api"
    ) -> bool:
        """Amend an order, and trade it if it is marketable then.

        Return whether anything changed; a second call with the same amendment changes nothing.

        Raises:
            OrderNotFound: The account has no such order.
            OrderAlreadyClosed: It is closed; the error has its status.
            OrderOnItsWay: The venue has not answered yet; the caller may try again.
            InvalidAmendment: With every fault; nothing was changed.
            AmendmentRefused: Risk rules, margin or price band refuse it; nothing was changed.
        """

        def decide(_unit: Unit, claimed: OrderWithSlices) -> bool:
            differing = self._differing(claimed, user_id, order_id, change)
            if differing:
                self._check([after for _, after in differing], change)
                self._desk.begin_day(claimed.book)
                self._apply(claimed.book, differing)
            return bool(differing)

        claimed = self._desk.run(
            lambda unit: unit.with_slices(order_id), decide, actor=actor, steps=_STEPS
        )
        return bool(claimed.book.moves)

    def _differing(
        self, claimed: OrderWithSlices, user_id: int, order_id: int, change: AmendmentRequest
    ) -> list[tuple[Order, Order]]:
        """Return the orders that change, each with its amendment."""
        targets = _targets(claimed, user_id, order_id, change)
        now = self._market_clock()
        if any(target.valid_until <= now for target in targets):
            # Its expiry is not recorded yet; an order of a closed session must not trade.
            raise OrderAlreadyClosed(order_id, OrderStatus.EXPIRED)
        wanted = [(order, _amended(order, change)) for order in targets]
        return [(order, after) for order, after in wanted if order != after]

    def _check(self, orders: Sequence[Order], change: AmendmentRequest) -> None:
        faults = {fault: None for order in orders for fault in self._faults(order, change)}
        if faults:
            raise InvalidAmendment(tuple(faults))

    def _faults(self, order: Order, change: AmendmentRequest) -> Iterator[Fault]:
        """Yield the faults of the amended order."""
        universe, now = self._universes.current(), self._market_clock()
        yield from _type_faults(order, change)
        yield from listing_faults(0, _request(order), universe, now, self._slicing)
        if order.quantity <= order.filled_quantity:
            detail = f"must be above the {order.filled_quantity} that have traded"
            yield Fault(0, "quantity", str(order.quantity), detail)
        row = universe.row(order.symbol)
        if row is not None and change.quantity is not None:
            largest = self._slicing.largest(universe.contracts[row], now)
            if order.quantity > largest:
                detail = f"must not exceed {largest}: an order that is open cannot be sliced"
                yield Fault(0, "quantity", str(order.quantity), detail)

    def _apply(self, book: Book, differing: Sequence[tuple[Order, Order]]) -> None:
        """Change orders that wait at once, those at the venue with its consent."""
        previews = self._venue.preview([after for _, after in differing])
        self._desk.read_risks(book)
        changes = []
        for (order, after), terms in zip(differing, previews, strict=True):
            amendment = Amendment.of(after)
            asks = order.status in RESTING and not self._venue.is_local
            apply = book.ask_to_amend if asks else book.amend
            denial = apply(order, amendment, _terms_of(order, terms))
            _refuse(order, after, denial)
            if order.status in RESTING:
                changes.append((order, amendment))
        # Fill orders that a local venue can fill at once; received orders are decided later.
        if changes:
            self._desk.take(book, [order for order, _ in changes], self._venue.amend(changes))


def _refuse(order: Order, after: Order, denial: DenialReason | None) -> None:
    if denial is DenialReason.PRICE_BAND:
        detail = "must lie inside the price band of the exchange"
        raise InvalidAmendment((Fault(0, "price", str(after.limit_price), detail),))
    if denial is not None:
        raise AmendmentRefused(order.id, denial)


def _targets(
    claimed: OrderWithSlices, user_id: int, order_id: int, change: AmendmentRequest
) -> list[Order]:
    """Return the orders in the market that the change is for."""
    order = claimed.order
    if order is None or order.user_id != user_id:
        raise OrderNotFound(str(order_id))
    if order.parent_id is not None:
        detail = f"is a slice, the order to amend is {order.parent_id}"
        raise InvalidAmendment((Fault(0, "order_id", str(order_id), detail),))
    if order.status.is_closed:
        raise OrderAlreadyClosed(order_id, order.status)
    if claimed.slices and change.quantity not in (None, order.quantity):
        detail = "cannot change, the order was sliced"
        raise InvalidAmendment((Fault(0, "quantity", str(change.quantity), detail),))
    targets = [o for o in claimed.parts if not o.status.is_closed]
    if any(o.status in ASKED for o in targets):
        raise OrderOnItsWay(order_id)
    return targets


def _amended(order: Order, change: AmendmentRequest) -> Order:
    return replace(
        order,
        # That of a slice is its own.
        quantity=order.quantity
        if change.quantity is None or order.parent_id is not None
        else change.quantity,
        limit_price=order.limit_price if change.limit_price is None else change.limit_price,
        trigger_price=order.trigger_price if change.trigger_price is None else change.trigger_price,
    )


def _type_faults(order: Order, change: AmendmentRequest) -> Iterator[Fault]:
    """Yield the faults of fields that an order of this type or status does not have."""
    has_no_price = order.order_type not in LIMITED and order.status is OrderStatus.RECEIVED
    if has_no_price and change.limit_price is not None:
        detail = "must be absent, the order is at market"
        yield Fault(0, "price", str(change.limit_price), detail)
    if change.trigger_price is not None:
        if order.order_type not in TRIGGERED:
            detail = f"must be absent, the order is {order.order_type}"
            yield Fault(0, "trigger_price", str(change.trigger_price), detail)
        elif order.status not in _UNTRIGGERED:
            detail = "cannot change, the order was triggered"
            yield Fault(0, "trigger_price", str(change.trigger_price), detail)


def _terms_of(order: Order, terms: Terms) -> Terms:
    """Return the terms for the check of an amendment.

    A received order is checked at its decision; only faults that its account can correct are
    reported now.
    """
    if order.status is OrderStatus.RECEIVED and terms.denial is not DenialReason.PRICE_BAND:
        return replace(terms, denial=None, trigger_passed=False)
    return terms


def _request(order: Order) -> OrderRequest:
    return OrderRequest(
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        quantity=order.quantity,
        order_type=order.order_type,
        limit_price=order.limit_price,
        trigger_price=order.trigger_price,
        validity=order.validity,
        product=order.product,
        priority=order.priority,
    )
