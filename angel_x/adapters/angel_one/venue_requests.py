"""Orders as requests to the broker: all values are texts."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType

from angel_x.adapters.angel_one.records import BookOrder, Scrip
from angel_x.domain.orders.amendment import Amendment
from angel_x.domain.orders.order import Order, OrderType, Product

#: Variety and order type.  The broker turns orders at market into limit orders itself.
_KINDS: Mapping[OrderType, tuple[str, str]] = MappingProxyType(
    {
        OrderType.MARKET: ("NORMAL", "MARKET"),
        OrderType.LIMIT: ("NORMAL", "LIMIT"),
        OrderType.STOP_LIMIT: ("STOPLOSS", "STOPLOSS_LIMIT"),
        OrderType.STOP_MARKET: ("STOPLOSS", "STOPLOSS_MARKET"),
    }
)
#: The broker's names of products.
PRODUCTS: Mapping[Product, str] = MappingProxyType(
    {Product.NORMAL: "CARRYFORWARD", Product.INTRADAY: "INTRADAY"}
)


def placement(order: Order, scrip: Scrip) -> dict[str, str]:
    """Return the request to place an order under its tag."""
    price = None if order.order_type is OrderType.MARKET else order.limit_price
    return {
        **_common(order, scrip),
        "transactiontype": order.side.value,
        "price": _written(price),
        "triggerprice": _written(order.trigger_price),
        "squareoff": "0",
        "stoploss": "0",
        "quantity": str(order.quantity),
        "disclosedquantity": "0",
        "ordertag": order.tag,
    }


def modification(order: Order, wanted: Amendment, known: BookOrder, scrip: Scrip) -> dict[str, str]:
    """Return the request to change an order; one at market rests as a limit order at the broker."""
    return {
        **_common(order, scrip),
        "variety": known.variety,
        "ordertype": known.order_type,
        "orderid": known.order_id,
        "price": _written(wanted.limit_price),
        "triggerprice": _written(wanted.trigger_price),
        "quantity": str(wanted.quantity),
    }


def _common(order: Order, scrip: Scrip) -> dict[str, str]:
    variety, kind = _KINDS[order.order_type]
    return {
        "variety": variety,
        "ordertype": kind,
        "producttype": PRODUCTS[order.product],
        "duration": order.validity.value,
        "exchange": scrip.exchange,
        "tradingsymbol": scrip.trading_symbol,
        "symboltoken": scrip.symbol_token,
    }


def _written(price: Decimal | None) -> str:
    return "0" if price is None else f"{price:.2f}"
