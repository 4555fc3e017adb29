"""The fake exchange: its contracts, clients, orders, and the calls about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from itertools import count
from typing import Any

from angel_x.adapters.angel_one.limits import Limits
from angel_x.domain.calendar.session import IST
from angel_x.rehearsal.fake_exchange.account import Conversion, units_held
from angel_x.rehearsal.fake_exchange.candles import Candles
from angel_x.rehearsal.fake_exchange.faults import Fault, Faults
from angel_x.rehearsal.fake_exchange.listings import Listing
from angel_x.rehearsal.fake_exchange.matching import (
    ALIVE,
    ExchangeOrder,
    MatchingEngine,
    Quote,
    Status,
)
from angel_x.rehearsal.fake_exchange.sessions import Client, Refusal, Sessions
from angel_x.rehearsal.fake_exchange.throttle import Throttle

_LONGEST_TAG = 19
_CALLERS = 100
_ORDER_TYPES = {
    "NORMAL": frozenset({"MARKET", "LIMIT"}),
    "STOPLOSS": frozenset({"STOPLOSS_LIMIT"}),
}
_PRODUCTS = frozenset({"CARRYFORWARD", "INTRADAY"})
#: The part of a price by which a limit may be away from the last trade.
_WIDEST_LIMIT = Decimal("0.40")
_LPP = (
    "Order price is beyond the Limit Price Protection range defined by the exchange. "
    "Please modify the price."
)
_REJECTION = "RMS:Margin Exceeds, Cash Available: 0.00"

Content = Mapping[str, Any]


class Exchange:
    """Everything behind the sockets.  Its methods belong to one event loop."""

    def __init__(
        self,
        listed: Iterable[Listing],
        *,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        limits: Limits,
        client: Client | None = None,
        faults: Faults | None = None,
        cash: Decimal = Decimal(10_000_000),
    ) -> None:
        self.now = now
        self.listings = {listing.token: listing for listing in listed}
        self.faults = faults or Faults()
        self.throttle = Throttle(monotonic, limits)
        self.sessions = Sessions(client or Client(), self.faults, now)
        self.candles = Candles()
        self.matching = MatchingEngine(self._changed, self._time_of_day, self._priced)
        self.cash = cash
        #: Levels of indices by token, in which nobody trades.
        self.indices: dict[str, Quote] = {}
        self.orders: dict[str, ExchangeOrder] = {}
        self.conversions: list[Conversion] = []
        #: The addresses of the last requests: that of the peer, and those in its headers.
        self.callers: deque[tuple[str, ...]] = deque(maxlen=_CALLERS)
        #: Called with every changed order.
        self.watchers: list[Callable[[ExchangeOrder], None]] = []
        self._numbers = count(1)

    def place(self, client_code: str, content: Content) -> dict[str, str]:
        """Accept an order, which may then be rejected; no tag is looked at twice.

        Raises:
            Refusal: The request cannot be an order.
        """
        order = self._order(client_code, content)
        self.orders[order.order_id] = order
        if self.faults.befalls(Fault.REJECT, "placeOrder"):
            self._reject(order, _REJECTION)
        elif order.quantity > order.listing.freeze_quantity:
            self._reject(order, "16052 : Quantity exceeds the freeze quantity")
        elif not order.price:
            self._reject(order, "No market for an order at market")
        else:
            self.matching.enter(order)
        return {"script": order.listing.trading_symbol, **_named(order)}

    def modify(self, client_code: str, content: Content) -> dict[str, str]:
        """Change an open order.

        Raises:
            Refusal: There is no such order, or it is closed.
        """
        order = self._open(client_code, content)
        quantity = _whole(content, "quantity")
        if quantity <= order.filled:
            raise Refusal("AB2000", "Quantity cannot be below the traded quantity")
        self.matching.amend(
            order,
            quantity,
            _number(content, "price") or order.price,
            _number(content, "triggerprice") or order.trigger_price,
        )
        return _named(order)

    def cancel(self, client_code: str, content: Content) -> dict[str, str]:
        """Cancel an open order.

        Raises:
            Refusal: There is no such order, its variety is another one, or it is closed.
        """
        order = self._open(client_code, content)
        self.matching.cancel(order)
        return _named(order)

    def convert(self, client_code: str, content: Content) -> None:
        """Move units of a position to another product.

        Raises:
            Refusal: There are not so many units of that side, or no such product.
        """
        old, new = str(content.get("oldproducttype")), str(content.get("newproducttype"))
        token, units = str(content.get("symboltoken")), _whole(content, "quantity")
        if not {old, new} <= _PRODUCTS or old == new:
            raise Refusal("AB1012", "Invalid Product Type")
        sign = 1 if _is_buy(content) else -1
        held = units_held(self.orders_of(client_code), self.conversions_of(client_code))
        if held.get((token, old), 0) * sign < units:
            raise Refusal("AB1017", "Position conversion failed")
        self.conversions.append(Conversion(client_code, token, old, new, sign * units))

    def conversions_of(self, client_code: str) -> list[Conversion]:
        """Return the conversions of a client, the oldest first."""
        return [each for each in self.conversions if each.client_code == client_code]

    def details(self, client_code: str, unique_id: str) -> dict[str, object]:
        """Return one order.

        Raises:
            Refusal: There is no such order.
        """
        for order in self.orders_of(client_code):
            if order.unique_id == unique_id:
                return row_of(order)
        raise Refusal("AB1013", "Order not found")

    def orders_of(self, client_code: str) -> list[ExchangeOrder]:
        """Return the orders of a client, the oldest first."""
        return [order for order in self.orders.values() if order.client_code == client_code]

    def quote_all(self, bid: Decimal, ask: Decimal, size: int) -> None:
        """Let the maker quote every contract alike."""
        for token in self.listings:
            self.matching.quote(token, bid, ask, size)

    def _order(self, client_code: str, content: Content) -> ExchangeOrder:
        listing = self.listings.get(str(content.get("symboltoken")))
        if listing is None or listing.trading_symbol != content.get("tradingsymbol"):
            raise Refusal("AB1009", "Symbol Not Found")
        variety, kind = str(content.get("variety")), str(content.get("ordertype"))
        tag = str(content.get("ordertag") or "")
        _check_words(variety, kind, str(content.get("producttype")), tag)
        is_buy = _is_buy(content)
        number = next(self._numbers)
        price = _number(content, "price")
        if kind == "MARKET":
            price = self.matching.protected_price(listing, is_buy=is_buy)
        self._check_price(listing, price, kind)
        return ExchangeOrder(
            order_id=f"{self._day()}{number:09d}",
            unique_id=f"unique-{self._day()}-{number:09d}",
            client_code=client_code,
            listing=listing,
            variety=variety,
            order_type="LIMIT" if kind == "MARKET" else kind,
            product=str(content.get("producttype")),
            duration=str(content.get("duration") or "DAY"),
            is_buy=is_buy,
            quantity=_whole(content, "quantity"),
            price=price,
            trigger_price=_number(content, "triggerprice"),
            tag=tag,
            slice=listing.lot_size if self.faults.befalls(Fault.PARTIAL, "placeOrder") else None,
        )

    def _check_price(self, listing: Listing, price: Decimal, kind: str) -> None:
        quote = self.matching.quotes.get(listing.token)
        if kind == "MARKET" or quote is None:
            return
        if abs(price - quote.last) > max(quote.last * _WIDEST_LIMIT, Decimal(20)):
            raise Refusal("", _LPP)

    def _open(self, client_code: str, content: Content) -> ExchangeOrder:
        order = self.orders.get(str(content.get("orderid")))
        if order is None or order.client_code != client_code:
            raise Refusal("AB1013", "Order not found")
        if order.variety != content.get("variety"):
            raise Refusal("AB1008", "Invalid Order Variety")
        if order.status not in ALIVE:
            raise Refusal("AB2000", f"Order is already {order.status}")
        return order

    def _reject(self, order: ExchangeOrder, text: str) -> None:
        order.status, order.text = Status.REJECTED, text
        self._changed(order)

    def _changed(self, order: ExchangeOrder) -> None:
        order.updated = f"{self.now().astimezone(IST):%d-%b-%Y %H:%M:%S}"
        for watch in self.watchers:
            watch(order)

    def _priced(self, token: str, price: Decimal, units: int) -> None:
        self.candles.note(token, self.now(), price, units)

    def _time_of_day(self) -> str:
        return f"{self.now().astimezone(IST):%H:%M:%S}"

    def _day(self) -> str:
        return f"{self.now().astimezone(IST):%y%m%d}"


def row_of(order: ExchangeOrder) -> dict[str, object]:
    """Return an order as the order book shows it; some numbers are texts there."""
    last = order.trades[-1] if order.trades else None
    return {
        "variety": order.variety,
        "ordertype": order.order_type,
        "producttype": order.product,
        "duration": order.duration,
        "price": float(order.price),
        "triggerprice": float(order.trigger_price),
        "quantity": str(order.quantity),
        "disclosedquantity": "0",
        "tradingsymbol": order.listing.trading_symbol,
        "transactiontype": "BUY" if order.is_buy else "SELL",
        "exchange": order.listing.exchange,
        "symboltoken": order.listing.token,
        "lotsize": str(order.listing.lot_size),
        "averageprice": float(order.average_price),
        "filledshares": str(order.filled),
        "unfilledshares": str(order.left),
        "cancelsize": str(order.left if order.status is Status.CANCELLED else 0),
        "orderid": order.order_id,
        "uniqueorderid": order.unique_id,
        "ordertag": order.tag,
        "text": order.text,
        "status": order.status.value,
        "orderstatus": order.status.value,
        "updatetime": order.updated,
        "exchtime": order.updated,
        "fillid": last.fill_id if last else "",
        "filltime": last.time if last else "",
        "parentorderid": "",
    }


def _named(order: ExchangeOrder) -> dict[str, str]:
    return {"orderid": order.order_id, "uniqueorderid": order.unique_id}


def _check_words(variety: str, kind: str, product: str, tag: str) -> None:
    if kind not in _ORDER_TYPES.get(variety, ()):
        raise Refusal("AB1008", "Invalid Order Variety")
    if product not in _PRODUCTS:
        raise Refusal("AB1012", "Invalid Product Type")
    if len(tag) > _LONGEST_TAG:
        raise Refusal("AB4008", "ordertag length should be less than 20 characters")


def _is_buy(content: Content) -> bool:
    side = content.get("transactiontype")
    if side not in {"BUY", "SELL"}:
        raise Refusal("AB2000", "Invalid transaction type")
    return str(side) == "BUY"


def _number(content: Content, name: str) -> Decimal:
    try:
        return Decimal(str(content.get(name) or 0))
    except InvalidOperation:
        raise Refusal("AB2000", f"Invalid {name}") from None


def _whole(content: Content, name: str) -> int:
    number = _number(content, name)
    if number <= 0 or number != int(number):
        raise Refusal("AB2000", f"Invalid {name}")
    return int(number)
