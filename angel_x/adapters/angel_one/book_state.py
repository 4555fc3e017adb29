"""The broker's side of a comparison: its books, positions and funds, with the orders of others apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping

from angel_x.adapters.angel_one.client import AngelOne
from angel_x.adapters.angel_one.records import BookOrder, BookPosition, BookTrade
from angel_x.adapters.angel_one.scrips import FindSymbols, symbols_of
from angel_x.adapters.angel_one.venue_answers import execution_id, is_closed
from angel_x.adapters.angel_one.venue_requests import PRODUCTS
from angel_x.adapters.angel_one.wire import Turn
from angel_x.domain.exchange.reconciliation import (
    BookState,
    BrokerState,
    ForeignOrder,
    Held,
    StatedExecution,
    StatedOrder,
)
from angel_x.domain.orders.order import Side
from angel_x.errors import BrokerUnavailable

_REJECTED = "rejected"
_PRODUCT_NAMES = {name: product.value for product, name in PRODUCTS.items()}

#: Returns those contracts that have expired.
Expired = Callable[[Collection[str]], Collection[str]]


class BrokerBooks:
    """Reads the broker's side: four requests, the orders before their executions."""

    def __init__(
        self,
        client: AngelOne,
        *,
        expired: Expired,
        find: FindSymbols,
        monotonic: Callable[[], float],
    ) -> None:
        self._client = client
        self._expired = expired
        self._find = find
        self._monotonic = monotonic

    def state(self, patience_seconds: float) -> BrokerState:
        """Return the broker's side.

        Raises:
            BrokerError: A book cannot be read, or its request was not permitted in that time.
        """
        self._client.login()
        turn = Turn(until=self._monotonic() + patience_seconds)
        orders = self._client.order_book(turn)
        trades = self._client.trade_book(turn)
        positions = self._client.positions(turn)
        cash = self._client.funds(turn).cash
        ours, doubled = _by_tag(order for order in orders if not order.is_foreign)
        foreign = {order.order_id: order for order in orders if order.is_foreign}
        names = {each.trading_symbol for each in orders} | {p.trading_symbol for p in positions}
        symbols = symbols_of(names, self._find)
        held = _without(_held(positions, symbols), _traded(trades, foreign, symbols))
        gone = self._expired({contract for contract, _ in held})
        return BrokerState(
            book=BookState(
                orders={tag: _order(order, symbols) for tag, order in ours.items()},
                executions=_executions(trades, orders),
                positions={key: units for key, units in held.items() if key[0] not in gone},
                cash=cash,
            ),
            foreign=tuple(_foreign(order, symbols) for order in foreign.values()),
            doubled=doubled,
        )


def _by_tag(orders: Iterable[BookOrder]) -> tuple[dict[str, BookOrder], dict[str, int]]:
    """Return the order of each tag, and the tags with more than one that was not rejected.

    A rejected order may be sent again under its tag.
    """
    found: dict[str, BookOrder] = {}
    counts: Counter[str] = Counter()
    for order in orders:
        counts[order.tag] += order.status != _REJECTED
        if order.tag not in found or found[order.tag].status == _REJECTED:
            found[order.tag] = order
    return found, {tag: count for tag, count in counts.items() if count > 1}


def _order(order: BookOrder, symbols: Mapping[str, str]) -> StatedOrder:
    return StatedOrder(
        contract=symbols[order.trading_symbol],
        side=_side(order),
        quantity=order.quantity,
        filled=order.filled,
        limit_price=order.price or None,
        trigger_price=order.trigger_price or None,
        is_open=not is_closed(order),
    )


def _side(order: BookOrder) -> Side:
    try:
        return Side(order.side)
    except ValueError:
        raise BrokerUnavailable(f"an order must be BUY or SELL, was {order.side!r}") from None


def _executions(
    trades: Iterable[BookTrade], orders: Iterable[BookOrder]
) -> dict[str, StatedExecution]:
    tags = {order.order_id: order.tag for order in orders if not order.is_foreign}
    return {
        execution_id(trade): StatedExecution(tags[trade.order_id], trade.quantity, trade.price)
        for trade in trades
        if trade.order_id in tags
    }


def _held(positions: Iterable[BookPosition], symbols: Mapping[str, str]) -> Counter[Held]:
    held: Counter[Held] = Counter()
    for each in positions:
        held[symbols[each.trading_symbol], _product(each.product)] += each.quantity
    return held


def _traded(
    trades: Iterable[BookTrade], orders: Mapping[str, BookOrder], symbols: Mapping[str, str]
) -> Counter[Held]:
    """Return the units that orders have traded today."""
    traded: Counter[Held] = Counter()
    by_id = {execution_id(trade): trade for trade in trades if trade.order_id in orders}
    for trade in by_id.values():
        order = orders[trade.order_id]
        key = symbols[order.trading_symbol], _product(order.product)
        traded[key] += _side(order).sign * trade.quantity
    return traded


def _without(held: Counter[Held], traded: Counter[Held]) -> dict[Held, int]:
    keys = held.keys() | traded.keys()
    return {key: left for key in keys if (left := held[key] - traded[key])}


def _foreign(order: BookOrder, symbols: Mapping[str, str]) -> ForeignOrder:
    return ForeignOrder(
        order_id=order.order_id,
        contract=symbols[order.trading_symbol],
        product=_product(order.product),
        side=order.side,
        quantity=order.quantity,
        filled=order.filled,
        status=order.status,
    )


def _product(name: str) -> str:
    return _PRODUCT_NAMES.get(name.upper(), name)
