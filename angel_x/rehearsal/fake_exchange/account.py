"""The account of a client at the fake exchange: trades, positions, funds and margin of its orders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from angel_x.rehearsal.fake_exchange.listings import Listing
from angel_x.rehearsal.fake_exchange.matching import ExchangeOrder, Quote

#: The margin of a short option as a part of its strike, without any benefit of a spread.
_SHORT_MARGIN = Decimal("0.12")


def trade_rows(orders: Iterable[ExchangeOrder]) -> list[dict[str, object]]:
    """Return the trade book."""
    return [
        {
            "exchange": order.listing.exchange,
            "producttype": order.product,
            "tradingsymbol": order.listing.trading_symbol,
            "instrumenttype": "OPTIDX",
            "strikeprice": f"{order.listing.strike}",
            "optiontype": order.listing.right,
            "marketlot": str(order.listing.lot_size),
            "transactiontype": "BUY" if order.is_buy else "SELL",
            "tradevalue": float(trade.price * trade.quantity),
            "fillprice": float(trade.price),
            "fillsize": str(trade.quantity),
            "orderid": order.order_id,
            "fillid": trade.fill_id,
            "filltime": trade.time,
        }
        for order in orders
        for trade in order.trades
    ]


@dataclass(frozen=True, slots=True)
class Conversion:
    """Units, negative where short, that a client has moved from one product to another."""

    client_code: str
    token: str
    old: str
    new: str
    units: int


def units_held(
    orders: Iterable[ExchangeOrder], conversions: Iterable[Conversion]
) -> Counter[tuple[str, str]]:
    """Return the units by token and product, negative where short, also those that are zero."""
    held: Counter[tuple[str, str]] = Counter()
    for order in orders:
        if order.trades:
            sign = 1 if order.is_buy else -1
            held[order.listing.token, order.product] += sign * order.filled
    for each in conversions:
        held[each.token, each.old] -= each.units
        held[each.token, each.new] += each.units
    return held


def position_rows(
    orders: Iterable[ExchangeOrder],
    quotes: Mapping[str, Quote],
    conversions: Iterable[Conversion] = (),
) -> list[dict[str, str]]:
    """Return the positions, those closed today too; converted units are of their new product."""
    traded: dict[str, list[ExchangeOrder]] = {}
    for order in orders:
        if order.trades:
            traded.setdefault(order.listing.token, []).append(order)
    held = units_held((o for group in traded.values() for o in group), conversions)
    return [
        _position(traded[token], product, units, quotes.get(token))
        for (token, product), units in held.items()
    ]


def _position(
    orders: list[ExchangeOrder], product: str, units: int, quote: Quote | None
) -> dict[str, str]:
    listing = orders[0].listing
    orders = [order for order in orders if order.product == product]
    bought, paid = _total(order for order in orders if order.is_buy)
    sold, received = _total(order for order in orders if not order.is_buy)
    last = quote.last if quote else Decimal(0)
    return {
        "exchange": listing.exchange,
        "symboltoken": listing.token,
        "producttype": product,
        "tradingsymbol": listing.trading_symbol,
        "symbolname": listing.underlying,
        "instrumenttype": "OPTIDX",
        "lotsize": str(listing.lot_size),
        "buyqty": str(bought),
        "sellqty": str(sold),
        "buyamount": f"{paid:.2f}",
        "sellamount": f"{received:.2f}",
        "netqty": str(units),
        "netvalue": f"{received - paid:.2f}",
        "ltp": f"{last:.2f}",
        "pnl": f"{received - paid + units * last:.2f}",
    }


def _total(orders: Iterable[ExchangeOrder]) -> tuple[int, Decimal]:
    trades = [trade for order in orders for trade in order.trades]
    value = sum((trade.price * trade.quantity for trade in trades), Decimal(0))
    return sum(trade.quantity for trade in trades), value


def funds_row(cash: Decimal, orders: Iterable[ExchangeOrder]) -> dict[str, str]:
    """Return the funds: the cash at the start, less premiums paid and plus those received."""
    orders = list(orders)
    _, paid = _total(order for order in orders if order.is_buy)
    _, received = _total(order for order in orders if not order.is_buy)
    net = cash - paid + received
    return {
        "net": f"{net:.4f}",
        "availablecash": f"{net:.4f}",
        "collateral": "0.0000",
        "m2munrealized": "0.0000",
        "m2mrealized": "0.0000",
        "utilisedspan": "0.0000",
        "utilisedoptionpremium": f"{max(paid - received, Decimal(0)):.4f}",
        "utiliseddebits": f"{max(paid - received, Decimal(0)):.4f}",
    }


def margin_row(
    positions: Iterable[Mapping[str, Any]], listings: Mapping[str, Listing]
) -> dict[str, object]:
    """Return the margin of a batch of positions: premium where bought, a part of the strike where sold."""
    span, premium = Decimal(0), Decimal(0)
    for position in positions:
        listing = listings.get(str(position.get("token")))
        units = Decimal(str(position.get("qty") or 0))
        if listing is None:
            continue
        if position.get("tradeType") == "BUY":
            premium += Decimal(str(position.get("price") or 0)) * units
        else:
            span += listing.strike * _SHORT_MARGIN * units
    return {
        "totalMarginRequired": float(span + premium),
        "marginComponents": {
            "netPremium": float(premium),
            "spanMargin": float(span),
            "marginBenefit": 0,
            "deliveryMargin": 0,
            "nonNFOMargin": 0,
            "totOptionsPremium": float(premium),
        },
    }
