"""The calls of SmartAPI: their paths, and which of them are counted together."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

_SECURE = "/rest/secure/angelbroking"


class Rate(StrEnum):
    """Requests that are counted together, for each client code; their limits have the same names."""

    LOGIN = "login"
    RENEWAL = "renewal"
    LOGOUT = "logout"
    PROFILE = "profile"
    FUNDS = "funds"
    ORDERS = "orders"
    """Place, modify and cancel, all three together."""
    ORDER_BOOK = "order_book"
    DETAILS = "details"
    TRADE_BOOK = "trade_book"
    POSITIONS = "positions"
    SEARCH = "search"
    QUOTE = "quote"
    MARGIN = "margin"
    CONVERSION = "conversion"
    CANDLES = "candles"
    GREEKS = "greeks"


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API."""

    method: str
    path: str
    rate: Rate
    #: Whether it changes nothing, so that it may be repeated after a failure.
    is_read: bool = field(default=True, kw_only=True)
    #: Whether the answer to one process serves all that wait for one.
    is_shared: bool = field(default=False, kw_only=True)


LOGIN = Call("POST", "/rest/auth/angelbroking/user/v1/loginByPassword", Rate.LOGIN, is_read=False)
RENEWAL = Call("POST", "/rest/auth/angelbroking/jwt/v1/generateTokens", Rate.RENEWAL, is_read=False)
LOGOUT = Call("POST", f"{_SECURE}/user/v1/logout", Rate.LOGOUT, is_read=False)
PROFILE = Call("GET", f"{_SECURE}/user/v1/getProfile", Rate.PROFILE)
FUNDS = Call("GET", f"{_SECURE}/user/v1/getRMS", Rate.FUNDS)
PLACE = Call("POST", f"{_SECURE}/order/v1/placeOrder", Rate.ORDERS, is_read=False)
MODIFY = Call("POST", f"{_SECURE}/order/v1/modifyOrder", Rate.ORDERS, is_read=False)
CANCEL = Call("POST", f"{_SECURE}/order/v1/cancelOrder", Rate.ORDERS, is_read=False)
ORDER_BOOK = Call("GET", f"{_SECURE}/order/v1/getOrderBook", Rate.ORDER_BOOK, is_shared=True)
DETAILS = Call("GET", f"{_SECURE}/order/v1/details/", Rate.DETAILS)
TRADE_BOOK = Call("GET", f"{_SECURE}/order/v1/getTradeBook", Rate.TRADE_BOOK, is_shared=True)
POSITIONS = Call("GET", f"{_SECURE}/order/v1/getPosition", Rate.POSITIONS)
MARGIN = Call("POST", f"{_SECURE}/margin/v1/batch", Rate.MARGIN)
SEARCH = Call("POST", f"{_SECURE}/order/v1/searchScrip", Rate.SEARCH)
